import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts"],
    typecheck: { enabled: false },
    coverage: { include: ["packages/*/src/**/*.ts"], reporter: ["text", "html"] }
  }
})
