import { defineConfig } from "vitest/config"
import config from "../vitest.config.ts"

// What users install, tried as they would. Takes a build and a registry, so it stays out of `npm test`.
const { projects: _, ...common } = config.test ?? {}
export default defineConfig({
  ...config,
  test: {
    ...common,
    include: ["scripts/pack*.check.ts"],
    globalSetup: "scripts/pack.setup.ts",
    testTimeout: 240_000,
    hookTimeout: 240_000
  }
})
