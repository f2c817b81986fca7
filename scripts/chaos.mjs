// Kills processes that work on one store, again and again, and checks that nothing is lost, doubled or left behind.
//
//   npm run chaos -- --store sqlite|postgres|redis [--kills 200] [--workflows 20000] [--lease 1000] [--seed N]
//     [--url U] [--crashes N] [--within ms] [--json]
//
// Four workers and two feeders; kills at random and at every commit point in turn. Without --url, Postgres and Redis
// are started for the run and killed now and then too (--crashes, default: with every twentieth process). The seed
// chooses victims and commit points; when a kill strikes depends on the machine.
import { runTool, tryTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
process.exitCode = tryTool('../.build/test/programs/chaos/main.js', process.argv.slice(2))
