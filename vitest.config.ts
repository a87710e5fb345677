import { defineConfig } from 'vitest/config'

/** Real processes and sockets: allowed to take longer. */
const slow = 'test/{e2e,security}/**/*.test.ts'

/** Conformance and the benches are programs with their own commands, and are not tests here. */
export default defineConfig({
  test: {
    pool: 'forks',
    globalSetup: ['test/support/postgres/setup.ts', 'test/support/planted/count.ts'],
    setupFiles: ['test/support/planted/setup.ts'],
    globals: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    reporters: ['default', ['json', { outputFile: 'out/tests.json' }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{src,test,bench,scripts}/**/*.test.ts'],
          exclude: [slow],
          testTimeout: 10_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: [slow],
          testTimeout: 20_000,
          hookTimeout: 20_000,
        },
      },
    ],
  },
})
