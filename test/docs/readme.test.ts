import type { AnyWorkflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../examples/checkout/workflow.ts'
import { documentReview } from '../../examples/document-review/workflow.ts'
import { newCliLab } from '../cli/lab.ts'
import { moduleWriter, run } from './folder.ts'
import { type Block, blocksOf, exampleModule, root, textOf } from './snippets.ts'

const readme = textOf('README.md')
const write = moduleWriter()

describe('README.md', () => {
  it('shows the graph of its first example', async () => {
    const [example] = blocksOf('ts', readme)
    const { cabRide } = await run<{ readonly cabRide: AnyWorkflow }>(write(exampleModule(example as Block)))
    expect(blocksOf('mermaid', readme).map(({ code }) => code)).toEqual([cabRide.plan.toMermaid()])
  })

  it('names only commands that exist, the two to begin with among them', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    const commands = blocksOf('sh', readme).map(({ code }) => code.trim())
    expect(commands[0]).toBe('npm ci\nnpx polaris dev examples/cab-ride/polaris.ts')
    expect(commands.slice(-2)).toEqual(['npm ci && npm start', 'npm ci && npm test'])
    const own = ['ci', 'install', 'pack']
    const named = [...readme.matchAll(/\bnpm (?:run ([\w:]+)|([a-z]+)\b)/g)]
    const unknown = named.filter(([, script, command]) => {
      const known = script ?? (command !== undefined && own.includes(command) ? undefined : command)
      return known !== undefined && !Object.hasOwn(scripts, known)
    })
    expect(named.length).toBeGreaterThan(5)
    expect(unknown.map(([text]) => text)).toEqual([])
  })
})

/** The lines of a picture of a terminal. */
function textsIn(svg: string): string[] {
  return Array.from(svg.matchAll(/<text [^>]*>(.*?)<\/text>/g), ([, line = '']) =>
    line
      .replace(/<[^>]+>/g, '')
      .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
      .replaceAll('\u00a0', ' '),
  )
}

describe('the first use in README.md', () => {
  it('moves a ride to its end, as the picture shows it', async () => {
    process.env['SERVICE_MS'] = '0'
    const lab = newCliLab()
    try {
      const lines = blocksOf('sh', readme).flatMap(({ code }) => code.trim().split('\n'))
      const module =
        lines
          .find((each) => each.includes('polaris dev'))
          ?.split(' ')
          .at(-1) ?? ''
      const place = ['--module', `${root}${module}`, '--store', lab.file('rides.db', '')]
      const feeds = lines.filter((each) => each.startsWith('npx polaris feed'))
      const seen: string[] = []
      for (const each of feeds) {
        const words = [...each.replace(/ #.*$/, '').matchAll(/([\w-]+='[^']*'|\S+)/g)].map(([word]) => word)
        const { err, out } = await lab.run(
          ...words.slice(2).map((word) => word.replaceAll("'", '')),
          ...place,
          '--json',
        )
        seen.push(err === '' ? (JSON.parse(out) as { status: string }).status : err)
        if (seen.length > 1) continue
        const graph = await lab.run('graph', '--id', 'ride-1', ...place)
        const bare = (text: string): string => text.replace(/\d\d:\d\d:\d\d|[\d.]+ m?s/g, '')
        const rows = textsIn(textOf('docs/pictures/watch.svg')).filter((row) => /^[╭├│╰]/.test(row))
        expect(rows.length).toBeGreaterThan(5)
        // In the picture one builder is still at work, and what it lacks is cut off at 80 columns.
        const settled = rows.filter((row) => !/ runs$|…$/.test(row))
        expect(settled.length).toBeGreaterThan(rows.length - 3)
        for (const row of settled) expect(bare(graph.out)).toContain(bare(row))
      }
      expect(seen).toEqual(['waiting', 'waiting', 'completed'])
    } finally {
      lab.remove()
    }
  })
})

describe('the page of an example', () => {
  it.each<[string, AnyWorkflow]>([
    ['examples/checkout', checkout],
    ['examples/document-review', documentReview],
  ])('%s shows its graph', (folder, { plan }) => {
    expect(blocksOf('mermaid', textOf(`${folder}/README.md`)).map(({ code }) => code)).toEqual([plan.toMermaid()])
  })
})
