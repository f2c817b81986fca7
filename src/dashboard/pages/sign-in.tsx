import { useState } from 'preact/hooks'
import { ask, noteContact, Refusal } from '../api/client.ts'
import { Icon } from '../ui/icons.tsx'
import { Words } from '../ui/text.tsx'

/** The cookie that comes back is out of reach for scripts, this one included. */
async function signIn(token: string): Promise<void> {
  await ask('/session', { method: 'POST', body: { token } })
  noteContact({ signedIn: true })
}

/** `#token=…` as `polaris dev` opens it, or `?token=…`: it is gone from the address bar before anything else is done. */
export async function signInByLink(): Promise<void> {
  const search = new URLSearchParams(location.search)
  const token = new URLSearchParams(location.hash.slice(1)).get('token') ?? search.get('token')
  if (token === null) return
  search.delete('token')
  const rest = search.toString()
  history.replaceState(null, '', location.pathname + (rest === '' ? '' : `?${rest}`))
  // A wrong one leads to the form, as none does.
  await signIn(token).catch(() => undefined)
}

export function SignIn() {
  const [token, setToken] = useState('')
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    try {
      await signIn(token.trim())
    } catch (error) {
      setProblem(problemOf(error))
      setBusy(false)
    }
  }
  return (
    <form class="sign-in card" onSubmit={(event) => void submit(event)}>
      <Icon name="lock" />
      <h1>Sign in</h1>
      <p class="muted">
        The service asks for its token. Whoever started it has it: it is printed at start, or was set there.
      </p>
      <label class="field">
        <span class="field-name">Token</span>
        <input
          type="password"
          name="token"
          autocomplete="current-password"
          autoFocus
          required
          value={token}
          aria-invalid={problem !== undefined}
          aria-describedby={problem === undefined ? undefined : 'sign-in-problem'}
          onInput={(event) => setToken(event.currentTarget.value)}
        />
      </label>
      {problem !== undefined && (
        <p id="sign-in-problem" class="field-problem" role="alert">
          <Words text={problem} />
        </p>
      )}
      <button type="submit" class="button primary" disabled={busy}>
        Sign in
      </button>
    </form>
  )
}

function problemOf(error: unknown): string {
  if (!(error instanceof Refusal)) return (error as Error).message
  if (error.status === 401) return 'This is not the token of the service.'
  if (error.status === 404) return 'This service has a sign-in of its own: sign in there, and load this page again.'
  return error.message
}
