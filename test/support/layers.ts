import { isBuiltin } from 'node:module'
import { posix } from 'node:path'
import { readModule } from '../../scripts/modules.mjs'

/** Path below the repository (`src/graph/plan.ts`) to text. */
export type Sources = Record<string, string>

/** What every store may share: the contract, the codec, and what helps to keep the contract. */
const CONTRACT = ['contract', 'codec', 'halving', 'paging', 'records', 'row-text', 'waking'].map(
  (name) => `src/stores/${name}.ts`,
)
const PUBLIC = 'src/index.ts'

/** What each layer may import of ours besides its own files. A path that ends in `/` is a folder. */
const ALLOWED: Record<string, string[]> = {
  index: ['src/graph/', 'src/engine/', 'src/stores/memory.ts', ...CONTRACT],
  graph: [],
  engine: ['src/graph/', ...CONTRACT],
  contract: ['src/graph/errors.ts', ...CONTRACT],
  store: ['src/graph/errors.ts', 'src/graph/naming.ts', ...CONTRACT],
  testing: [PUBLIC, 'src/stores/'],
  schedules: ['src/graph/'],
  http: [PUBLIC],
  cli: [
    PUBLIC,
    'src/http/index.ts',
    'src/schedules/index.ts',
    ...['memory', 'postgres', 'redis', 'sqlite'].map((name) => `src/stores/${name}.ts`),
  ],
  dashboard: [PUBLIC],
  opentelemetry: [PUBLIC],
}

interface Place {
  layer: string
  /** The files that are the layer's own: a folder, or for a store `src/stores/name.ts` and `src/stores/name/`. */
  own: string
}

/** Everything that is wrong with who imports whom, as sentences; empty where all is well. */
export function checkLayers(sources: Sources): string[] {
  const problems: string[] = []
  const edges = new Map<string, string[]>()
  for (const [path, text] of Object.entries(sources)) {
    const place = placeOf(path)
    if (!place) {
      problems.push(`${path}: belongs to no layer`)
      continue
    }
    const module = readModule(path, text)
    for (const { specifier, line, typeOnly, dynamic } of module.imports) {
      const target = resolve(path, specifier)
      if (target && !typeOnly && !dynamic) edges.set(path, [...(edges.get(path) ?? []), target])
      const problem = checkImport(place, specifier, target, typeOnly)
      if (problem) problems.push(`${path}:${line}: ${problem}`)
    }
    if (path === PUBLIC) problems.push(...checkIndex(text))
  }
  return [...problems, ...findCycles(edges).map((cycle) => `cycle: ${cycle.join(' -> ')}`)]
}

function placeOf(path: string): Place | undefined {
  if (path === PUBLIC) return { layer: 'index', own: path }
  if (CONTRACT.includes(path)) return { layer: 'contract', own: path }
  const [, folder = '', ...rest] = path.split('/')
  if (rest.length === 0) return undefined
  if (folder === 'stores') return { layer: 'store', own: `src/stores/${rest[0]?.replace(/\.ts$/, '') ?? ''}` }
  return folder in ALLOWED ? { layer: folder, own: `src/${folder}/` } : undefined
}

function checkImport(
  { layer, own }: Place,
  specifier: string,
  target: string | undefined,
  typeOnly: boolean,
): string | undefined {
  if (target === undefined) {
    const builtin = layer === 'graph' && isBuiltin(specifier)
    if (builtin) return `graph is pure and may not import ${specifier}`
    return /^polaris-workflow\b/.test(specifier) ? `${specifier}: sources name each other by relative path` : undefined
  }
  const suffixes = layer === 'dashboard' ? ['.ts', '.tsx', '.css'] : ['.ts']
  if (!suffixes.some((suffix) => target.endsWith(suffix))) {
    return `${specifier}: relative imports end in ${suffixes.join(', ')}`
  }
  const ours = own.endsWith('/') ? target.startsWith(own) : target === `${own}.ts` || target.startsWith(`${own}/`)
  const allowed = ours || ALLOWED[layer]?.some((p) => (p.endsWith('/') ? target.startsWith(p) : target === p))
  if (!allowed) return `${layer} may not import ${target}`
  // It runs in browsers, which are not to load the engine.
  return layer === 'dashboard' && !ours && !typeOnly ? `dashboard may import types only of ${target}` : undefined
}

/** The public surface is a list that a person keeps: one named re-export each, and no code. */
function checkIndex(text: string): string[] {
  const { exports, imports, stars } = readModule(PUBLIC, text)
  const problems = stars.map((specifier) => `${PUBLIC}: export * from '${specifier}' hides what is public`)
  for (const { name, line, from } of exports) {
    if (!from) problems.push(`${PUBLIC}:${line}: ${name} is not a named re-export`)
  }
  for (const { specifier, line, reexport } of imports) {
    if (!reexport) problems.push(`${PUBLIC}:${line}: imports '${specifier}', but may only re-export`)
  }
  return problems
}

function resolve(path: string, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined
}

/** One cycle for every edge that closes one, depth first. */
function findCycles(edges: Map<string, string[]>): string[][] {
  const cycles: string[][] = []
  const done = new Set<string>()
  const walk = (file: string, trail: string[]): void => {
    const start = trail.indexOf(file)
    if (start >= 0) cycles.push([...trail.slice(start), file])
    if (start >= 0 || done.has(file)) return
    for (const next of edges.get(file) ?? []) walk(next, [...trail, file])
    done.add(file)
  }
  for (const file of edges.keys()) walk(file, [])
  return cycles
}
