// A rolling deploy with real processes over Postgres, under load, rolled back half way and made again.
//
//   npm run deploy-drill [-- --instances 20000] [--concurrency 16] [--rate 200] [--url U] [--json]
//
// Without --url, Postgres is started for the run. Ends with 1 if anything was lost, doubled or stuck, if a request failed
// for another reason than that a process does not serve a version, or if an instance came to other than was forecast.
import { runTool, tryTool } from './run.mjs'

runTool('../scripts/build.mjs', [])
process.exitCode = tryTool('../.build/test/programs/drill/main.js', process.argv.slice(2))
