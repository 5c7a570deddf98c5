import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { BaseSequencer, type TestSpecification } from "vitest/node"

const all = ["packages/*/test/**/*.test.ts", "examples/**/*.test.ts", "scripts/**/*.test.ts", "site/*.test.ts"]

/**
 * What does not fit into a minute: real databases, browsers and processes, storms, and what counts in thousands or waits for real time.
 * `npm run test:all` runs these too.
 */
const long = [
  "**/*.postgres.test.ts",
  "**/*.chromium.test.ts",
  "**/Storm*.test.ts",
  "examples/appointment/storm.test.ts",
  "examples/many-calls.test.ts",
  "examples/python.test.ts",
  "examples/without-effect/applications.test.ts",
  "packages/core/test/Differential.test.ts",
  "packages/core/test/Messages.test.ts",
  "packages/core/test/pace.test.ts",
  "packages/http/test/CallsApiLive.test.ts",
  "packages/http/test/Forgery.test.ts",
  "packages/http/test/Quiet.test.ts",
  "packages/http/test/View.test.ts",
  "packages/testing/test/Closing.test.ts",
  "packages/testing/test/emulator.test.ts",
  "packages/testing/test/ExplorerAndEngine.test.ts",
  "packages/testing/test/explore.test.ts",
  "packages/testing/test/Obstacles.test.ts",
  "packages/testing/test/Pacing.test.ts",
  "packages/testing/test/PastedTest.test.ts",
  "packages/testing/test/Recovery.test.ts",
  "packages/testing/test/RestoredCopy.test.ts",
  "packages/testing/test/SavedTest.test.ts",
  "scripts/closing.test.ts",
  "scripts/embeddedPostgres.test.ts",
  "scripts/examples.test.ts",
  "scripts/firstCall.test.ts",
  "scripts/init.test.ts",
  "scripts/nemesis.test.ts",
  "scripts/pages.test.ts",
  "scripts/standby.test.ts",
  "scripts/storm.test.ts",
  "scripts/strangers.test.ts",
  "site/site.test.ts"
]

/** Of these, what takes longest, and so begins first: nobody waits for one file at the end. */
const longest = [
  "scripts/pages.test.ts",
  "examples/cluster/main.postgres.test.ts",
  "scripts/nemesis.test.ts",
  "scripts/init.test.ts",
  "site/site.test.ts",
  "packages/http/test/Inspector.chromium.test.ts",
  "scripts/storm.test.ts",
  "packages/testing/test/Phone.chromium.test.ts",
  "scripts/closing.test.ts",
  "scripts/firstCall.test.ts"
]

class LongestFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const place = ({ moduleId }: TestSpecification) => {
      const found = longest.findIndex((path) => moduleId.endsWith(path))
      return found < 0 ? longest.length : found
    }
    // oxlint-disable-next-line unicorn/no-array-sort -- It is no array's.
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}

/** What the processes that tests start have compiled. */
const compiled = fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url))

export default defineConfig({
  resolve: { conditions: ["source"] },
  ssr: { resolve: { conditions: ["source"] } },
  test: {
    typecheck: { enabled: false },
    maxWorkers: "100%", // By default a processor is left idle, which is half of a small machine.
    testTimeout: 120_000, // It bounds what hangs. A machine that is busy fails no test.
    hookTimeout: 120_000,
    sequence: { sequencer: LongestFirst },
    coverage: { include: ["packages/*/src/**/*.ts"], reporter: ["text", "html"] },
    projects: [
      // Files share their modules: to load Effect for each anew took half of the time.
      { extends: true, test: { name: "quick", include: all, exclude: long, isolate: false } },
      {
        extends: true,
        test: {
          name: "long",
          include: long,
          exclude: ["**/node_modules/**"],
          env: { NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? compiled },
          globalSetup: "scripts/postgres.setup.ts"
        }
      }
    ]
  }
})
