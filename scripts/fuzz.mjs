// Throws wild requests at the HTTP API: no crash, no answer from 500 on, no leak of memory or of what is sensitive.
//
//   npm run fuzz -- [--requests 1000000] [--seed N] [--wired 0.05] [--json]
//
// The requests follow from the seed. One in twenty goes over a socket, as bytes that need not be HTTP.
import { runTool, tryTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
process.exitCode = tryTool('../.build/test/programs/fuzz/main.js', process.argv.slice(2))
