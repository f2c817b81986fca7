// The check before a deploy over very many open instances: how long it takes, and how much memory.
//
//   npm run check-million [-- --instances 1000000] [--sample 10000] [--store sqlite|postgres] [--sample-only]
//
// Prints one JSON object a line. Postgres is started for the run.
import { runTool, tryTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
process.exitCode = tryTool('../.build/test/programs/million/main.js', process.argv.slice(2))
