import { defineConfig } from "vitest/config"

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    include: ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts"],
    typecheck: { enabled: false },
    testTimeout: 30_000, // It bounds what hangs. A machine that is busy fails no test.
    hookTimeout: 60_000,
    coverage: { include: ["packages/*/src/**/*.ts"], reporter: ["text", "html"] }
  }
})
