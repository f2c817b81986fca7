// Draws the terminal sessions that the documents show, as SVGs in docs/pictures: real commands on the cab ride.
//
//   node scripts/pictures.mjs   (after npm run build)
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './run.mjs'
import { terminalSvg } from './terminal-svg.mjs'

const OUTPUT = `${root}docs/pictures`
const SIZE = { columns: 80, rows: 34 }

// The services of the ride answer so slowly that builders are seen at work.
process.env['SERVICE_MS'] = '700'
const { runCli } = await import('../dist/cli/program.js')
const folder = mkdtempSync(join(tmpdir(), 'polaris-pictures-'))
const store = 'rides.db'
writeFileSync(join(folder, store), '')
process.chdir(folder)
mkdirSync(OUTPUT, { recursive: true })

try {
  const watching = run('watch', 'ride-1')
  await run('feed', 'ride-1', 'RideRequest={"rider":"Ada","from":"Station","to":"Airport","card":"tok_declined"}')
  await run('feed', 'ride-1', 'DestinationArrival={"odometerKm":1009}')
  await run('feed', 'ride-1', 'PickupArrival={"odometerKm":1000}', 'Departure={"waitedMinutes":5}')
  save('explain', 'npx polaris explain ride-1', (await run('explain', 'ride-1')).out)
  await run('feed', 'ride-1', 'OtherCard={"card":"tok_visa"}')
  const { out, frames } = await watching
  const working = frames.findLast((frame) => /tellRider +runs/.test(plain(frame)))
  save('watch', 'npx polaris watch', working ?? frames.at(-1) ?? out)
  save('doctor', 'npx polaris doctor', (await run('doctor')).out)
  const svg = await run('graph', '--format', 'svg', '--id', 'ride-1')
  writeFileSync(`${OUTPUT}/ride.svg`, svg.out)
} finally {
  process.chdir(root)
  rmSync(folder, { recursive: true, force: true })
}

/**
 * A command in a terminal that nobody sees: what it wrote, and each picture that it drew over the one before.
 *
 * @param {string[]} args
 */
async function run(...args) {
  /** @type {string[]} */
  const frames = []
  let out = ''
  let err = ''
  const code = await runCli([...args, '--module', `${root}examples/cab-ride/polaris.ts`, '--store', store], {
    out: (/** @type {string} */ text) => {
      out += text
      // eslint-disable-next-line no-control-regex -- what a terminal obeys
      const frame = text.replace(/\u001b\[(\d*[AKJH]|\?25[lh])/g, '')
      if (frame !== '') frames.push(frame)
    },
    err: (/** @type {string} */ text) => void (err += text),
    interactive: false,
    colors: true,
    terminal: { columns: () => SIZE.columns, rows: () => SIZE.rows },
    cwd: folder,
    env: {},
    input: () => Promise.resolve(''),
    signal: new AbortController().signal,
  })
  if (code !== 0) throw new Error(`polaris ${args.join(' ')} ended with ${code}: ${err}`)
  await sleep(50)
  return { out, frames }
}

/** @param {string} text */
function plain(text) {
  // eslint-disable-next-line no-control-regex -- what a terminal obeys
  return text.replace(/\u001b\[\d+m/g, '')
}

/**
 * @param {string} name
 * @param {string} command
 * @param {string} text
 */
function save(name, command, text) {
  writeFileSync(`${OUTPUT}/${name}.svg`, terminalSvg(command, text, SIZE.columns))
}
