import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { redisMedium } from '../support/redis-server.ts'
import { postgresMedium } from '../support/server-media.ts'
import { moduleWriter, run } from './folder.ts'
import { type Block, blocksOf, exampleModule, moduleOf, PAGES, root, textOf, typeErrors } from './snippets.ts'

/** Why a block may be left alone, and whether the compiler reads it all the same. */
const NOT_RUN: Readonly<Record<string, 'compiled' | 'checked elsewhere'>> = {
  'needs a cluster': 'compiled',
  'ends this process': 'compiled',
  'test/docs/get-started.test.ts runs it': 'checked elsewhere',
  'test/stores/conformance.test.ts runs it': 'checked elsewhere',
  'test/stores/conformance.test.ts does the same': 'checked elsewhere',
}

const servers = { postgres: inject('postgres'), redis: inject('redis') }
const urlOf = (name: keyof typeof servers): string | undefined => {
  const place = servers[name]
  return 'url' in place ? place.url : undefined
}
const postgres = urlOf('postgres')
const redis = urlOf('redis')
const schema = postgres === undefined ? undefined : postgresMedium(postgres)
const keys = redis === undefined ? undefined : redisMedium(redis)
afterAll(() => Promise.all([schema?.dispose(), keys?.dispose()]))

/** A block speaks of servers as users would; here they are those of the run, and a namespace of its own there. */
function placed(module: string): string {
  return module
    .replaceAll('process.env.POSTGRES_URL', JSON.stringify(postgres ?? ''))
    .replaceAll("schema: 'rides'", `schema: '${schema?.schema ?? 'rides'}'`)
    .replaceAll("'redis://localhost:6379'", JSON.stringify(redis ?? ''))
    .replaceAll("prefix: 'rides'", `prefix: '${keys?.prefix ?? 'rides'}'`)
}

function serverOf({ code }: Block): keyof typeof servers | undefined {
  if (code.includes('POSTGRES_URL')) return 'postgres'
  return code.includes('redis://localhost:6379') ? 'redis' : undefined
}

const write = moduleWriter()
const texts = new Map(PAGES.map((page) => [page, textOf(page)]))
const all = [...texts].flatMap(([page, text]) => blocksOf('ts', text).map((block) => ({ page, block })))
const example = all[0]?.block as Block
const compiled = all
  .filter(({ block }) => NOT_RUN[block.notRun ?? ''] !== 'checked elsewhere')
  .map(({ page, block }) => {
    const module = block === example ? exampleModule(block) : moduleOf(block, example)
    return { page, block, file: write(placed(module)) }
  })

describe.each(PAGES)('%s', (page) => {
  const text = texts.get(page) ?? ''
  for (const { page: its, block, file } of compiled) {
    if (its !== page || block.notRun !== undefined) continue
    it(`does what it says from line ${block.line} on`, async (context) => {
      const server = serverOf(block)
      const place = server && servers[server]
      if (place !== undefined && 'missing' in place) context.skip(`no ${server} server: ${place.missing}`)
      await run(file)
    })
  }

  it('links only to what is there', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)]+)\)/g)].map(([, link]) => link ?? '')
    const broken = links.filter((link) => {
      const [path = '', anchor] = link.split('#')
      const file = path === '' ? page : join(dirname(page), path)
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && !anchorsOf(textOf(file)).includes(anchor)
    })
    expect(broken).toEqual([])
  })
})

describe('the pages together', () => {
  // The compiler reads all pages and all of the library: 10 s on an idle machine, more than the usual limit on a busy one.
  it('have code that the compiler accepts', { timeout: 120_000 }, () => {
    expect(compiled.length).toBeGreaterThan(25)
    expect(typeErrors(compiled.map(({ file }) => file))).toEqual([])
  })

  it('leave out only what cannot run here, for a reason that is known', () => {
    const reasons = all.flatMap(({ block }) => block.notRun ?? [])
    expect([...new Set(reasons)].toSorted()).toEqual(Object.keys(NOT_RUN).toSorted())
  })

  it('can all be reached from README.md', () => {
    const reached = new Set(['README.md'])
    for (const page of reached) {
      for (const [, path = ''] of textOf(page).matchAll(/\]\((?!https?:)([^)#]+\.md)/g)) {
        reached.add(join(dirname(page), path))
      }
    }
    expect(PAGES.filter((page) => !reached.has(page))).toEqual([])
  })

  it('explain every error code', () => {
    const union = /export type ErrorCode =([^/]*)/.exec(textOf('src/graph/errors.ts'))?.[1] ?? ''
    const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code ?? '')
    const table = texts.get('docs/errors.md')?.split('\n## ')[0] ?? ''
    const rows = [...table.matchAll(/^\| `([A-Z]+(?:_[A-Z]+)*)`/gm)].map(([, code]) => code ?? '')
    expect(rows.toSorted()).toEqual(codes.toSorted())
  })
})

/** As GitHub makes them of headings. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )
}
