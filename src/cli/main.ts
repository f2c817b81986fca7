import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import type { Io } from './io.ts'
import { runCli } from './program.ts'

const { stdin, stdout, stderr, env } = process
const enough = new AbortController()
// The second time it ends at once: a command that hangs must not have to be killed.
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => (enough.signal.aborted ? process.exit(130) : enough.abort()))
}
// Whoever reads from the pipe may have seen enough (`polaris list | head`).
stdout.on('error', (error: Error & { readonly code?: string }) => process.exit(error.code === 'EPIPE' ? 0 : 2))

const io: Io = {
  out: (given) => void stdout.write(given),
  err: (given) => void stderr.write(given),
  interactive: stderr.isTTY,
  colors:
    (env['NO_COLOR'] ?? '') === '' && (stdout.isTTY || (env['FORCE_COLOR'] ?? '') !== '') && env['TERM'] !== 'dumb',
  // Terminals of containers and scripts may say that they are 0 wide.
  ...(stdout.isTTY && { terminal: { columns: () => stdout.columns || 80, rows: () => stdout.rows || 24 } }),
  cwd: process.cwd(),
  env,
  input: () => text(stdin),
  ...(stdin.isTTY && stderr.isTTY && { ask: askPerson }),
  signal: enough.signal,
  ...(env['BROWSER'] !== undefined && env['BROWSER'] !== '' && { opener: [env['BROWSER']] }),
}

async function askPerson(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return await lines.question(question, { signal: enough.signal })
  } finally {
    lines.close()
  }
}

const code = await runCli(process.argv.slice(2), io)
// What the user's services keep open would keep the process; what was written has to be out first.
stdout.write('', () => stderr.write('', () => process.exit(code)))
