// The benches:
//
//   npm run bench [-- [--json] [memory] [compile] [graph] [sqlite]]
//
// They print ratios, since those hold from machine to machine; README.md beside this file says what each one means.
import { benchCompile } from './compile.ts'
import { benchGraph } from './graph.ts'
import { benchMemory } from './memory.ts'
import { jsonReport, textReport } from './report.ts'
import { benchSqlite } from './sqlite.ts'

const SECTIONS = { memory: benchMemory, compile: benchCompile, graph: benchGraph, sqlite: benchSqlite }

type Section = keyof typeof SECTIONS

const { sections, json } = readArguments(process.argv.slice(2))
const write = (text: string): void => console.log(text)
const report = json ? jsonReport(write) : textReport(write)
for (const section of sections) await SECTIONS[section](report)

function readArguments(given: readonly string[]): { sections: readonly Section[]; json: boolean } {
  const all = Object.keys(SECTIONS) as Section[]
  const unknown = given.filter((word) => word !== '--json' && !Object.hasOwn(SECTIONS, word))
  if (unknown.length > 0) {
    console.error(`There is no bench ${unknown.join(', ')}. There are ${all.join(', ')}, and --json.`)
    process.exit(2)
  }
  const named = all.filter((section) => given.includes(section))
  return { sections: named.length === 0 ? all : named, json: given.includes('--json') }
}
