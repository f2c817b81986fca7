// Plays schedules of processes, clients and faults in virtual time, on the built package.
//
//   node scripts/simulate.mjs [--schedules N] [--seed S] [--verbose] [--go-on]
//
// A schedule follows from its seed. The first one that fails ends the run, unless it is to go on; its seed is printed.
import { runTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
runTool('typescript/bin/tsc', ['-p', 'test/simulation/tsconfig.build.json'])
runTool('../.build/test/simulation/main.js', process.argv.slice(2))
