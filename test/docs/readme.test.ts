import type { AnyWorkflow } from 'polaris-workflow'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../examples/checkout/workflow.ts'
import { moduleWriter, run } from './folder.ts'
import { type Block, blocksOf, exampleModule, textOf } from './snippets.ts'

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
    expect(commands).toEqual(['npm ci && npm start', 'npm ci && npm test'])
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

describe('the page of an example', () => {
  it.each<[string, AnyWorkflow]>([['examples/checkout', checkout]])('%s shows its graph', (folder, { plan }) => {
    expect(blocksOf('mermaid', textOf(`${folder}/README.md`)).map(({ code }) => code)).toEqual([plan.toMermaid()])
  })
})
