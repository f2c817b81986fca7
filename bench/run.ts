// The benches:
//
//   npm run bench [-- [--json] [memory] [compile] [graph] [sqlite]]
//   npm run bench -- stores [--json] [--store sqlite|postgres|redis] [--peers] [--seconds N] [--in-flight N]
//   npm run bench -- leak [--json] [--store memory|sqlite] [--scopes N]
//   npm run bench -- million [--json] --store sqlite|postgres [--instances N]
//   npm run bench -- http [--json] [--store sqlite|postgres] [--connections N] [--seconds N]
//   npm run bench -- viewers [--json] [--store sqlite|postgres] [--view overview] [--viewers N]
//
// They print ratios, since those hold from machine to machine; README.md beside this file says what each one means.
import { parseArgs } from 'node:util'
import { benchCompile } from './compile.ts'
import { benchGraph } from './graph.ts'
import { benchHttp, HTTP_DEFAULTS } from './http.ts'
import { benchLeak } from './leak.ts'
import { benchMemory } from './memory.ts'
import { benchMillion } from './million.ts'
import { jsonReport, textReport } from './report.ts'
import { benchSqlite } from './sqlite.ts'
import { benchStores, STORES_DEFAULTS } from './stores.ts'
import { STORES } from './stores-servers.ts'
import { benchViewers, VIEWERS_DEFAULTS, VIEWS } from './viewers.ts'

const SECTIONS = { memory: benchMemory, compile: benchCompile, graph: benchGraph, sqlite: benchSqlite }
/** What takes options of its own, and runs only if it is named. */
const PROGRAMS = { stores: runStores, leak: runLeak, million: runMillion, http: runHttp, viewers: runViewers }

type Section = keyof typeof SECTIONS

const [name = '', ...args] = process.argv.slice(2)
if (Object.hasOwn(PROGRAMS, name)) await PROGRAMS[name as keyof typeof PROGRAMS](args)
else await runSections(process.argv.slice(2))

async function runSections(given: readonly string[]): Promise<void> {
  const { sections, json } = readSections(given)
  const write = (text: string): void => console.log(text)
  const report = json ? jsonReport(write) : textReport(write)
  for (const section of sections) await SECTIONS[section](report)
}

function readSections(given: readonly string[]): { sections: readonly Section[]; json: boolean } {
  const all = Object.keys(SECTIONS) as Section[]
  const unknown = given.filter((word) => word !== '--json' && !Object.hasOwn(SECTIONS, word))
  if (unknown.length > 0) {
    const alone = Object.keys(PROGRAMS).join(', ')
    fail(`There is no bench ${unknown.join(', ')}. There are ${all.join(', ')}, and --json; alone: ${alone}.`)
  }
  const named = all.filter((section) => given.includes(section))
  return { sections: named.length === 0 ? all : named, json: given.includes('--json') }
}

async function runStores(args: string[]): Promise<void> {
  const values = readOptions(args, ['store', 'seconds', 'in-flight'], ['json', 'peers'])
  const seconds = numberOf(values, 'seconds')
  const inFlight = numberOf(values, 'in-flight')
  await benchStores({
    ...STORES_DEFAULTS,
    json: values['json'] === true,
    peers: values['peers'] === true,
    ...(values['store'] !== undefined && { stores: [oneOf(values['store'], STORES)] }),
    ...(seconds !== undefined && { ms: seconds * 1e3 }),
    ...(inFlight !== undefined && { inFlight: [inFlight] }),
  })
}

async function runLeak(args: string[]): Promise<void> {
  const values = readOptions(args, ['store', 'scopes'], ['json'])
  const scopes = numberOf(values, 'scopes')
  await benchLeak({
    json: values['json'] === true,
    stores: values['store'] === undefined ? ['memory', 'sqlite'] : [oneOf(values['store'], ['memory', 'sqlite'])],
    scopes: scopes ?? 1_000_000,
  })
}

async function runMillion(args: string[]): Promise<void> {
  const values = readOptions(args, ['store', 'instances'], ['json'])
  const instances = numberOf(values, 'instances')
  await benchMillion({
    json: values['json'] === true,
    store: oneOf(values['store'] ?? 'sqlite', ['sqlite', 'postgres']),
    instances: instances ?? 1_000_000,
  })
}

async function runHttp(args: string[]): Promise<void> {
  const values = readOptions(args, ['store', 'connections', 'seconds'], ['json'])
  const connections = numberOf(values, 'connections')
  const seconds = numberOf(values, 'seconds')
  await benchHttp({
    ...HTTP_DEFAULTS,
    json: values['json'] === true,
    ...(values['store'] !== undefined && { stores: [oneOf(values['store'], ['sqlite', 'postgres'])] }),
    ...(connections !== undefined && { connections: [connections] }),
    ...(seconds !== undefined && { ms: seconds * 1e3 }),
  })
}

async function runViewers(args: string[]): Promise<void> {
  const values = readOptions(args, ['store', 'view', 'viewers', 'seconds'], ['json'])
  const viewers = numberOf(values, 'viewers')
  const seconds = numberOf(values, 'seconds')
  await benchViewers({
    ...VIEWERS_DEFAULTS,
    json: values['json'] === true,
    ...(values['store'] !== undefined && { stores: [oneOf(values['store'], ['sqlite', 'postgres'])] }),
    ...(values['view'] !== undefined && { views: [oneOf(values['view'], VIEWS, 'view')] }),
    ...(viewers !== undefined && { viewers }),
    ...(seconds !== undefined && { ms: seconds * 1e3 }),
  })
}

type Values = Readonly<Record<string, string | boolean | undefined>>

function readOptions(args: string[], texts: readonly string[], flags: readonly string[]): Values {
  const options = Object.fromEntries([
    ...texts.map((name) => [name, { type: 'string' as const }]),
    ...flags.map((name) => [name, { type: 'boolean' as const }]),
  ]) as Record<string, { type: 'string' | 'boolean' }>
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function numberOf(values: Values, name: string): number | undefined {
  const value = values[name]
  if (value === undefined) return undefined
  const number = Number(value)
  return number > 0 ? number : fail(`--${name} is a number above 0, but is ${value}.`)
}

function oneOf<T extends string>(value: string | boolean, known: readonly T[], name = 'store'): T {
  return known.find((one) => one === value) ?? fail(`--${name} is one of ${known.join(', ')}, but is ${value}.`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
