/** The dashboard: files that were built ahead, kept in memory, and the paths of its pages. They hold no data of anybody. */
import { Problem } from './problems.ts'
import { reply } from './reply.ts'

export interface Pages {
  /**
   * @param path below the base path, as it came
   * @throws Problem `NOT_FOUND`, `METHOD_NOT_ALLOWED`
   */
  answer(request: Request, path: string): Promise<Response>
}

interface File {
  readonly type: string
  readonly plain: Uint8Array<ArrayBuffer>
  readonly gzipped: Uint8Array<ArrayBuffer>
}

interface Files {
  readonly index: File | undefined
  /** By name. */
  readonly assets: ReadonlyMap<string, File>
}

/** Whatever else lies beside them is not served. */
const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  png: 'image/png',
  svg: 'image/svg+xml',
  webmanifest: 'application/manifest+json',
  woff2: 'font/woff2',
}

/** Only what is in the built files runs, and only this service is asked. Nothing inline, no exception. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

/** What the built index has in the place of the base path. */
const PLACEHOLDER = '/__polaris__/'
const SECTIONS: ReadonlySet<string> = new Set(['', 'instances', 'workflows', 'versions'])
const MOST_PARTS = 6
/** Names of assets have a hash of what is in them. */
const FOREVER = 'public, max-age=31536000, immutable'

/** @param folder where the build put them; default: that of this package */
export function pagesOf(basePath: string, folder?: string): Pages {
  let loading: Promise<Files> | undefined
  const load = (): Promise<Files> => {
    loading ??= loadFiles(basePath, folder).catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
  return {
    async answer(request, path) {
      const asset = /^\/assets\/([\w.-]+)$/.exec(path)?.[1]
      if (asset === undefined && !isPage(path)) throw new Problem('NOT_FOUND', 'There is nothing of this path.')
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        throw new Problem('METHOD_NOT_ALLOWED', 'This path takes GET, HEAD.', {}, { allow: 'GET, HEAD' })
      }
      const { index, assets } = await load()
      const file = asset === undefined ? index : assets.get(asset)
      if (file !== undefined) return fileReply(request, file, asset === undefined ? 'no-cache' : FOREVER)
      const detail = asset === undefined ? 'The dashboard is not there: it was not built.' : 'There is no such file.'
      throw new Problem('NOT_FOUND', detail)
    },
  }
}

/** Pages are told apart by the script that runs in them. */
function isPage(path: string): boolean {
  const [, section = '', ...parts] = path.split('/')
  return SECTIONS.has(section) && parts.length < MOST_PARTS && (section !== '' || parts.length === 0)
}

function fileReply({ headers }: Request, { type, plain, gzipped }: File, caching: string): Response {
  const gzip = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(headers.get('accept-encoding') ?? '')
  return reply(200, type, gzip ? gzipped : plain, {
    'cache-control': caching,
    'content-security-policy': POLICY,
    vary: 'accept-encoding',
    ...(gzip && { 'content-encoding': 'gzip' }),
  })
}

/** Node's modules are loaded here, so that the handler can be used where there are none. */
async function loadFiles(basePath: string, folder: string | undefined): Promise<Files> {
  const [{ readdir, readFile }, { gzip }, { promisify }, { fileURLToPath }] = await Promise.all([
    import('node:fs/promises'),
    import('node:zlib'),
    import('node:util'),
    import('node:url'),
  ])
  // The same from the sources and from the package.
  const root = folder ?? fileURLToPath(new URL('../../dist/dashboard', import.meta.url))
  const fileOf = async (type: string, content: Uint8Array): Promise<File> => {
    const plain = new Uint8Array(content)
    return { type, plain, gzipped: new Uint8Array(await promisify(gzip)(plain, { level: 9 })) }
  }
  const read = async (name: string): Promise<Uint8Array | undefined> => readFile(`${root}/${name}`).catch(ifMissing)
  const page = await read('index.html')
  const html = page && new TextDecoder().decode(page).replaceAll(PLACEHOLDER, `${basePath}/`)
  const index =
    html === undefined ? undefined : await fileOf('text/html; charset=utf-8', new TextEncoder().encode(html))
  const assets = new Map<string, File>()
  for (const name of (await readdir(`${root}/assets`).catch(ifMissing)) ?? []) {
    const type = TYPES[/\.(\w+)$/.exec(name)?.[1] ?? '']
    const content = type === undefined ? undefined : await read(`assets/${name}`)
    if (type !== undefined && content !== undefined) assets.set(name, await fileOf(type, content))
  }
  return { index, assets }
}

function ifMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
