import { mergeConfig } from "vitest/config"
import config from "../vitest.config.ts"

// What users install, tried as they would. Takes a build and a registry, so it stays out of `npm test`.
export default mergeConfig({ ...config, test: { ...config.test, include: [] } }, {
  test: { include: ["scripts/pack.check.ts"], testTimeout: 120_000, hookTimeout: 240_000 }
})
