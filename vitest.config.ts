import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const manifest = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')) as {
  name: string
  exports: Record<string, string | { types: string }>
}

/** Tests and examples import the package by its name; under test that name leads to the sources, not to dist. */
const alias = Object.entries(manifest.exports).flatMap(([subpath, target]) => {
  if (typeof target === 'string') return []
  const source = target.types.replace('./dist/', './src/').replace(/\.d\.ts$/, '.ts')
  return [
    {
      find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`),
      replacement: fileURLToPath(new URL(source, import.meta.url)),
    },
  ]
})

export default defineConfig({
  resolve: { alias },
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/servers.ts'],
    // By default one core is left free, which on two cores means one file at a time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], reporter: ['text', 'html'] },
  },
})
