/** Runs the user's workflows as a service, and again whenever their files change. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { endDevFile, writeDevFile } from '../api/project.ts'
import type { Io } from '../io.ts'
import { counted, line, painted, span } from '../term/text.ts'
import type { Line } from '../term/text.ts'
import { Trouble } from '../trouble.ts'
import { openPage } from './browser.ts'
import { startChild } from './child.ts'
import type { Child } from './child.ts'
import { watchFiles } from './files.ts'
import type { DevSettings, WorkflowFacts } from './messages.ts'

export interface DevOptions {
  /** As it was named. */
  readonly module: string
  readonly store: string
  readonly acceptChanged: boolean
  /** `undefined`: the usual one, or any that is free. */
  readonly port: number | undefined
  readonly reload: boolean
  /** Opens the dashboard in the person's browser. */
  readonly open: boolean
}

const USUAL_PORT = 8787

/**
 * Ends with the person's signal, or if the service cannot begin at all.
 *
 * @throws {@link Trouble}
 */
export async function supervise(
  io: Io,
  { module, store, acceptChanged, port, reload, open }: DevOptions,
): Promise<void> {
  const { cwd, colors, signal } = io
  const token = randomBytes(32).toString('base64url')
  const settings: DevSettings = { module, store, token, cwd, colors, acceptChanged }
  let files: readonly string[] = [resolve(cwd, module)]
  let changed = nothingYet()
  const watching = watchFiles((file) => changed.tell(file))
  const stop = new Promise<void>((done) => signal.addEventListener('abort', () => done(), { once: true }))
  const begin = (): Child =>
    startChild((found) => {
      // What could not be loaded may be put right in any file that was part of it before.
      files = [...new Set([...files, ...found])]
      if (reload) watching.set(files)
    })
  let child = begin()
  try {
    let facts = await load(child, settings)
    const first = await listen(child, port ?? USUAL_PORT, port === undefined)
    writeDevFile(cwd, { module: resolve(cwd, module), store, service: { url: first.url, token, pid: process.pid } })
    io.out(painted(welcome(first.url, token, store, facts), colors))
    if (open) openPage({ cwd, url: `${first.url}/#token=${token}`, opener: io.opener }, (why) => io.err(`${why}\n`))
    while (!signal.aborted) {
      const file = await Promise.race([changed.next, child.gone, stop])
      if (signal.aborted) break
      if (file === undefined) throw new Trouble('The service ended by itself; what it said is above.')
      changed = nothingYet()
      io.out(painted([line(span(`${file} changed: loading …`, 'dim'))], colors))
      const next = begin()
      try {
        facts = await load(next, settings)
      } catch (error) {
        if (!(error instanceof Trouble)) throw error
        next.order({ kind: 'stop' })
        io.err(painted([...troubleLines(error), line(span('What was loaded before goes on.', 'yellow'))], colors))
        continue
      }
      child.order({ kind: 'stop' })
      await child.gone
      child = next
      await listen(child, first.port, false)
      io.out(painted([line(span(`now: ${factsText(facts)}`, 'green'))], colors))
    }
  } finally {
    watching.close()
    child.order({ kind: 'stop' })
    await child.gone
    endDevFile(cwd, token)
  }
}

function nothingYet(): { readonly next: Promise<string>; readonly tell: (file: string) => void } {
  let tell: (file: string) => void = () => undefined
  const next = new Promise<string>((resolve) => (tell = resolve))
  return { next, tell: (file) => tell(file) }
}

/** @throws {@link Trouble} */
async function load(child: Child, settings: DevSettings): Promise<readonly WorkflowFacts[]> {
  const answer = child.next('loaded')
  child.order({ kind: 'load', settings })
  const report = await answer
  if (report.kind === 'failed') throw new Trouble(report.message)
  return report.workflows
}

/** @throws {@link Trouble} */
async function listen(
  child: Child,
  port: number,
  elsewhere: boolean,
): Promise<{ readonly url: string; readonly port: number }> {
  const answer = child.next('serving')
  child.order({ kind: 'serve', port })
  const report = await answer
  if (report.kind === 'serving') return report
  if (report.code !== 'EADDRINUSE') throw new Trouble(report.message)
  if (elsewhere) return listen(child, 0, false)
  throw new Trouble(
    `Port ${port} is taken, perhaps by polaris dev in another terminal. --port chooses another; 0 any that is free.`,
  )
}

function troubleLines({ message }: Trouble): Line[] {
  return message.split('\n').map((each) => line(span(each, 'red')))
}

function factsText(facts: readonly WorkflowFacts[]): string {
  return facts.map(({ name, version, builders }) => `${name} ${version} (${counted(builders, 'builder')})`).join(', ')
}

function welcome(url: string, token: string, store: string, facts: readonly WorkflowFacts[]): Line[] {
  const [first] = facts
  const data = first?.inputs[0] ?? 'Data'
  const id = `${first?.name ?? 'instance'}-1`
  return [
    line(span('polaris dev', 'bold'), `  ${factsText(facts)}`),
    line(span('  store    ', 'dim'), store),
    line(span('  service  ', 'dim'), url),
    line(span('  open     ', 'dim'), span(`${url}/#token=${token}`, 'cyan')),
    line(''),
    line(span('In another terminal, in this folder:', 'dim')),
    line('  npx polaris graph'),
    line(`  npx polaris feed ${id} ${data}='…'`),
    line('  npx polaris watch'),
    line(''),
  ]
}
