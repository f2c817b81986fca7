// Finds what nothing uses: files, exports and dependencies; and packages that are imported but not declared.
//
//   node scripts/unused.mjs
//
// knip would do this, but its lock file lacks builds for some platforms and `npm ci` then fails. What starts things is
// an entry: the package's exports, tests, configuration, and every file that some string (a script, a spawn) names.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { posix } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readModule } from './modules.mjs'
import { root } from './run.mjs'

/** @import { Module } from './modules.mjs' */
/**
 * @typedef {object} Manifest
 * @property {string} name
 * @property {Record<string, string | { types: string }>} exports
 * @property {Record<string, string>} [bin]
 * @property {Record<string, string>} scripts
 * @property {Record<string, string>} [dependencies]
 * @property {Record<string, string>} [peerDependencies]
 * @property {Record<string, string>} [devDependencies]
 */

const FOLDERS = ['bin', 'src', 'test', 'examples', 'bench', 'scripts']
const OWN_PACKAGE = 'bench/peers/'
/** Bundled when it is built, so that its dependencies are not those of the package. */
const DASHBOARD = 'src/dashboard/'
const SOURCE = /\.(m?js|tsx?)$/
/** Used without being named anywhere. */
const IMPLIED = new Set(['@types/node', '@types/pg', '@vitest/coverage-v8'])

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { manifest, texts } = readRepository()
  const problems = findUnused(manifest, texts)
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}

/**
 * @param {Manifest} manifest
 * @param {Record<string, string>} texts sources by their path below the repository
 * @returns {string[]}
 */
export function findUnused(manifest, texts) {
  // What only declares types for a package is taken by the compiler, not by an import.
  const sources = Object.entries(texts).filter(([path]) => !path.endsWith('.d.ts'))
  const modules = new Map(sources.map(([path, text]) => [path, readModule(path, text)]))
  const published = [
    ...Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : [target.types])),
    ...Object.values(manifest.bin ?? {}),
  ].map((path) => sourceOf(path.replace(/^\.\//, '')))
  if (modules.has(`${DASHBOARD}main.tsx`)) published.push(`${DASHBOARD}main.tsx`)
  const strings = [...Object.values(manifest.scripts), ...[...modules.values()].flatMap((module) => module.strings)]
  const entries = [...modules.keys()].filter((path) => !path.startsWith('src/') && isEntry(path, strings))

  const shipped = trace(modules, manifest, published, true)
  const everything = trace(modules, manifest, [...published, ...entries], false)
  return [
    ...unusedFiles(modules, shipped, everything),
    ...unusedExports(modules, shipped, everything, new Set(entries)),
    ...checkDependencies(manifest, modules, strings),
  ]
}

/**
 * @param {string} path
 * @param {string[]} strings
 */
function isEntry(path, strings) {
  if (!path.includes('/') || /\.test(-d)?\.tsx?$/.test(path)) return true
  // A program is named as source or as output, by a path that ends in its file and its folder: `cab-ride/server.js`.
  const stem = path.replace(SOURCE, '')
  const tail = stem.split('/').slice(-2).join('/')
  const name = new RegExp(
    `(^|[/\\s'"])(${escape(stem)}|${escape(tail)}|\\./${escape(posix.basename(stem))})\\.(m?js|ts)\\b`,
  )
  return strings.some((string) => name.test(string))
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

/**
 * Follows imports from the entries: which files are reached, and which of their exports are taken (`file#name`).
 *
 * @param {Map<string, Module>} modules
 * @param {Manifest} manifest
 * @param {string[]} entries
 * @param {boolean} takeAll whether somebody outside takes everything that the entries export
 */
function trace(modules, manifest, entries, takeAll) {
  /** @type {Set<string>} */
  const files = new Set()
  /** @type {Set<string>} */
  const taken = new Set()

  for (const path of entries) reach(path)
  if (takeAll) for (const path of entries) takeEvery(path)
  return { files, taken }

  /** @param {string} path */
  function reach(path) {
    const module = modules.get(path)
    if (!module || files.has(path)) return
    files.add(path)
    for (const { specifier, names, reexport } of module.imports) {
      const target = resolve(manifest, modules, path, specifier)
      if (!target) continue
      reach(target)
      if (reexport) continue
      if (names === '*') takeEvery(target)
      else for (const name of names) take(target, name)
    }
  }

  /**
   * @param {string} path
   * @param {string} name
   */
  function take(path, name) {
    const module = modules.get(path)
    const key = `${path}#${name}`
    if (!module || taken.has(key)) return
    taken.add(key)
    const found = module.exports.find((entry) => entry.name === name)
    const sources = found ? (found.from ? [found.from] : []) : module.stars.map((specifier) => ({ specifier, name }))
    for (const from of sources) {
      const target = resolve(manifest, modules, path, from.specifier)
      if (target) take(target, from.name)
    }
  }

  /** @param {string} path */
  function takeEvery(path) {
    const module = modules.get(path)
    for (const { name } of module?.exports ?? []) take(path, name)
    for (const specifier of module?.stars ?? []) {
      const target = resolve(manifest, modules, path, specifier)
      if (target) takeEvery(target)
    }
  }
}

/**
 * @param {Manifest} manifest
 * @param {Map<string, Module>} modules
 * @param {string} path
 * @param {string} specifier
 * @returns {string | undefined}
 */
function resolve(manifest, modules, path, specifier) {
  if (specifier === manifest.name || specifier.startsWith(`${manifest.name}/`)) {
    const target = manifest.exports[`.${specifier.slice(manifest.name.length)}`]
    return typeof target === 'object' ? target.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts') : undefined
  }
  if (!specifier.startsWith('.')) return undefined
  const target = sourceOf(posix.join(posix.dirname(path), specifier))
  return modules.has(target) ? target : undefined
}

/**
 * What an output is built from; any other file is its own source.
 *
 * @param {string} path
 */
function sourceOf(path) {
  return path.startsWith('dist/') ? path.replace('dist/', 'src/').replace(/\.(d\.ts|js)$/, '.ts') : path
}

/** @typedef {ReturnType<typeof trace>} Trace */

/**
 * @param {Map<string, Module>} modules
 * @param {Trace} shipped
 * @param {Trace} everything
 */
function unusedFiles(modules, shipped, everything) {
  return [...modules.keys()].flatMap((path) => {
    if (!everything.files.has(path)) return [`${path}: nothing imports this file`]
    return path.startsWith('src/') && !shipped.files.has(path)
      ? [`${path}: only tests or examples import this file`]
      : []
  })
}

/**
 * @param {Map<string, Module>} modules
 * @param {Trace} shipped
 * @param {Trace} everything
 * @param {Set<string>} entries
 */
function unusedExports(modules, shipped, everything, entries) {
  /** @type {string[]} */
  const problems = []
  for (const [path, module] of modules) {
    if (entries.has(path) || !everything.files.has(path)) continue
    for (const { name, line, type, usedInFile } of module.exports) {
      const key = `${path}#${name}`
      if (shipped.taken.has(key) || (type && usedInFile)) continue
      const used = everything.taken.has(key)
      // What a source file needs itself may be exported for its test; what only a test needs is dead code.
      if (used && (usedInFile || !path.startsWith('src/'))) continue
      const verdict = used ? 'only tests or examples use' : usedInFile ? 'no other file uses' : 'nothing uses'
      problems.push(`${path}:${line}: ${verdict} the export ${name}`)
    }
  }
  return problems
}

/**
 * @param {Manifest} manifest
 * @param {Map<string, Module>} modules
 * @param {string[]} strings
 */
function checkDependencies(manifest, modules, strings) {
  const runtime = new Set([
    ...Object.keys(manifest.dependencies ?? {}),
    ...Object.keys(manifest.peerDependencies ?? {}),
  ])
  const declared = new Set([...runtime, ...Object.keys(manifest.devDependencies ?? {})])
  /** @type {Set<string>} */
  const imported = new Set()
  /** @type {string[]} */
  const problems = []
  for (const [path, module] of modules) {
    for (const { specifier, line } of module.imports) {
      const name = packageOf(specifier)
      if (!name || name === manifest.name) continue
      imported.add(name)
      const known = path.startsWith('src/') && !path.startsWith(DASHBOARD) ? runtime : declared
      if (!known.has(name)) problems.push(`${path}:${line}: ${name} is not among the dependencies`)
    }
  }
  for (const name of declared) {
    const named = [name, ...binsOf(name)].map((word) => new RegExp(`(^|[\\s/'"])${escape(word)}($|[\\s/'"])`))
    const used =
      imported.has(name) || IMPLIED.has(name) || strings.some((string) => named.some((word) => word.test(string)))
    if (!used) problems.push(`package.json: nothing uses the dependency ${name}`)
  }
  return problems
}

/** @param {string} specifier */
function packageOf(specifier) {
  if (/^(\.|\/|#|node:)/.test(specifier) || builtinModules.includes(specifier)) return undefined
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

/** @param {string} name */
function binsOf(name) {
  const path = `${root}node_modules/${name}/package.json`
  const { bin } = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
  return typeof bin === 'object' && bin !== null ? Object.keys(bin) : []
}

/** @returns {{ manifest: Manifest, texts: Record<string, string> }} */
function readRepository() {
  const inFolders = FOLDERS.filter((folder) => existsSync(root + folder)).flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' }).map(
      (file) => `${folder}/${file.replaceAll('\\', '/')}`,
    ),
  )
  const paths = [...readdirSync(root), ...inFolders].filter(
    (path) => SOURCE.test(path) && !path.startsWith(OWN_PACKAGE) && !path.includes('node_modules/'),
  )
  const texts = Object.fromEntries(paths.map((path) => [path, readFileSync(root + path, 'utf8')]))
  return { manifest: JSON.parse(readFileSync(`${root}package.json`, 'utf8')), texts }
}
