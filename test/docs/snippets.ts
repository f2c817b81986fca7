import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export const root = fileURLToPath(new URL('../..', import.meta.url))

function pagesIn(folder: string): string[] {
  return readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`)
}

/** The documents with code, README.md first, by their paths below {@link root}. */
export const PAGES: readonly string[] = ['README.md', ...pagesIn('docs')]

export function textOf(page: string): string {
  return readFileSync(root + page, 'utf8')
}

export interface Block {
  /** Of the block's first line of code in the document, from 1. */
  readonly line: number
  readonly code: string
  /** What a comment `<!-- not run: … -->` just before the block says. */
  readonly notRun?: string
}

/** The fenced blocks of a language in a Markdown text. */
export function blocksOf(language: string, markdown: string): Block[] {
  const blocks: Block[] = []
  for (const match of markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)) {
    if (match[1] !== language) continue
    const before = markdown.slice(0, match.index)
    const notRun = /<!-- not run: (.*) -->\n\n?$/.exec(before)?.[1]
    const line = before.split('\n').length + 1
    blocks.push({ line, code: match[2] ?? '', ...(notRun !== undefined && { notRun }) })
  }
  return blocks
}

/** As modules in a folder of `.build` see it. */
const KIT = '../../test/docs/check.ts'

/** The first block of README.md as a module of its own. */
export function exampleModule(example: Block): string {
  return `import { check, refuses } from '${KIT}'\n${checked(example)}\nexport { cabRide, check, refuses }\n`
}

/**
 * Any other block as a module: in a function below the imports and definitions of the example, which end where it makes
 * its `polaris`. Lines `expression // => value` are checked; where the comment stands on a line of its own it speaks of the
 * line before.
 */
export function moduleOf(block: Block, example: Block): string {
  const end = example.code.indexOf('\nconst polaris = ')
  if (end < 0) throw new Error('The first block makes no polaris.')
  const isImport = /^import .*$/gm
  const imports = block.code.match(isImport) ?? []
  return [
    `import { check, refuses } from '${KIT}'`,
    ...imports,
    example.code.slice(0, end),
    `async function snippet() {\n${checked(block).replace(isImport, '')}\n}`,
    'await snippet()\nexport { check, refuses }\n',
  ].join('\n')
}

/** A block that is a whole file of its own: nothing of the example is there. */
export function fileOf(block: Block): string {
  return `import { check, refuses } from '${KIT}'\n${checked(block)}\nexport { check, refuses }\n`
}

function checked({ code, line }: Block): string {
  const lines = code.replace(/\n[ \t]*\/\/ => /g, ' // => \u0001').split('\n')
  let number = line - 1
  const made = lines.map((text) => {
    number += 1
    const [, indent, expression, value] = /^(\s*)(.+?)\s+\/\/ => (.+)$/.exec(text) ?? []
    if (indent === undefined || expression === undefined || value === undefined) return text
    const place = `line ${number}`
    if (value.startsWith('\u0001')) number += 1
    const expected = value.replace('\u0001', '')
    const code = /^throws (\w+)$/.exec(expected)?.[1]
    if (code === undefined) return `${indent}check(${expression}, (${expected}), '${place}')`
    return `${indent}await refuses(async () => ${expression}, '${code}', '${place}')`
  })
  return made.join('\n')
}

/** What the compiler has against modules, by file and line. */
export function typeErrors(files: readonly string[]): string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, (path) => ts.sys.readFile(path))
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const relaxed = { ...options, noUnusedLocals: false, noUnusedParameters: false, allowJs: false, checkJs: false }
  const program = ts.createProgram(files, relaxed)
  // What is wrong elsewhere is for `npm run typecheck` to find.
  const diagnostics = files.flatMap((file) => ts.getPreEmitDiagnostics(program, program.getSourceFile(file)))
  return diagnostics.map((one) => {
    const line = one.file ? one.file.getLineAndCharacterOfPosition(one.start ?? 0).line : 0
    const text = one.file?.text.split('\n')[line]?.trim()
    return `${text ?? ''}\n  ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`
  })
}
