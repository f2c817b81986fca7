#!/usr/bin/env node
// A file of its own and not dist/cli/main.js: npm links it, and marks it as a program, when there is no dist yet.
import { existsSync } from 'node:fs'

if (existsSync(new URL('../dist/cli/main.js', import.meta.url))) await import('../dist/cli/main.js')
else {
  console.error('The package is not built yet: npm run build')
  process.exitCode = 2
}
