import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { checkOption, checkOptions } from '../index.ts'

/** What a request may ask for. */
export type HttpAction =
  | 'cancel'
  | 'delete'
  | 'describe'
  | 'explain'
  | 'feed'
  | 'fork'
  | 'get'
  | 'history'
  | 'list'
  | 'rerun'
  | 'restart'
  | 'resume'
  | 'upgrade'
  | 'watch'

/** What a request wants, as far as its path says. */
export interface Wish {
  readonly action: HttpAction
  /** Whether it would change anything. */
  readonly changes: boolean
  /** Where the path, or the filter of a list, names one. */
  readonly workflow?: string
  /** The instance, where the path names one. */
  readonly id?: string
}

/**
 * `true`: the caller may. `false`: nobody knows who it is (401). `'forbidden'`: it is known, and may not (403). With an object
 * the caller may, and `meta` is kept with what it feeds, seen by builders, hooks and the history: who it was. Anything else
 * is a refusal.
 */
export type Grant =
  boolean | 'forbidden' | { readonly allowed: true; readonly meta?: Readonly<Record<string, unknown>> }

/** Says who may do what. Called before any body is read: the request has its head only. */
export type Authorize = (request: Request, wish: Wish) => Grant | PromiseLike<Grant>

/** An {@link Authorize} by a secret that all callers share. */
export interface TokenAuthorize {
  (request: Request, wish?: Wish): boolean
  /** What callers have to send: `authorization: Bearer <token>`. */
  readonly token: string
  /** The cookie that does as well as the token, for browsers; `undefined` for a wrong token. */
  signIn(token: string, secure: boolean, path: string): string | undefined
  /** The cookie that ends it. */
  signOut(secure: boolean, path: string): string
}

/** The secret of {@link tokenAuthorize}. */
export interface TokenOptions {
  /** 16 characters or more. Default: 256 random bits. */
  readonly token?: string
}

const LEAST_TOKEN = 16

/**
 * Lets in whoever knows a token: as a Bearer token, or as the cookie that a browser gets for it. Compares in constant time.
 *
 * @throws `OPTION_INVALID`
 */
export function tokenAuthorize(options: TokenOptions = {}): TokenAuthorize {
  checkOptions('tokenAuthorize', options, ['token'])
  const { token = randomBytes(32).toString('base64url') } = options
  // What a header can carry; never described by its value.
  const passes = typeof token === 'string' && token.length >= LEAST_TOKEN && /^[\x21-\x7e]+$/.test(token)
  checkOption('token', passes, `text of ${LEAST_TOKEN} or more ASCII characters without blanks`, typeof token)
  // The token itself would be of use outside of browsers too. Cookies are shared by all ports of a host, so each has a name.
  const session = createHmac('sha256', token).update('polaris-workflow session').digest('base64url')
  const cookie = `polaris-${createHash('sha256').update(session).digest('hex').slice(0, 12)}`
  const nameOf = (secure: boolean): string => (secure ? `__Secure-${cookie}` : cookie)
  const attributes = (secure: boolean, path: string): string =>
    `Path=${path}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  const sameToken = comparer(token)
  const sameSession = comparer(session)
  const authorize = ({ headers }: Request): boolean => {
    const bearer = /^bearer +(\S+) *$/i.exec(headers.get('authorization') ?? '')?.[1]
    if (bearer !== undefined) return sameToken(bearer)
    const given = cookiesOf(headers.get('cookie'))
    return [nameOf(false), nameOf(true)].some((name) => (given.get(name) ?? []).some(sameSession))
  }
  return Object.assign(authorize, {
    token,
    signIn: (given: string, secure: boolean, path: string) =>
      sameToken(given) ? `${nameOf(secure)}=${session}; ${attributes(secure, path)}` : undefined,
    signOut: (secure: boolean, path: string) => `${nameOf(secure)}=; ${attributes(secure, path)}; Max-Age=0`,
  })
}

/** Compares texts with a secret in a time that tells nothing: of their hashes, which are of one length. */
function comparer(secret: string): (given: string) => boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest()
  const expected = hash(secret)
  return (given) => timingSafeEqual(hash(given), expected)
}

/** Browsers may send several of one name, for different paths. */
function cookiesOf(header: string | null): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const name = pair.slice(0, equals).trim()
    found.set(name, [...(found.get(name) ?? []), pair.slice(equals + 1).trim()])
  }
  return found
}

export function isTokenAuthorize(authorize: Authorize): authorize is Authorize & TokenAuthorize {
  return 'signIn' in authorize && typeof authorize.signIn === 'function'
}
