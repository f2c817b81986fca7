// Timers in real processes: one that is due while all are down, many due at once, and a process that hangs in a loop.
//
//   npm run timers -- --store sqlite|postgres|redis [--timers 10000] [--lease 1000] [--lead ms] [--slack 1]
//     [--url U] [--json]
//
// Four workers. Without --url, Postgres and Redis are started for the run. --slack multiplies what each may take.
import { runTool, tryTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
process.exitCode = tryTool('../.build/test/programs/timers/main.js', process.argv.slice(2))
