import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { currentContact, onContact } from './api/client.ts'
import type { Contact } from './api/client.ts'
import { Instance } from './pages/instance.tsx'
import { Instances } from './pages/instances.tsx'
import { Overview } from './pages/overview.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { Workflow } from './pages/workflow.tsx'
import { followLinks, go, href, usePlace } from './router.ts'
import type { Place } from './router.ts'
import { Icon } from './ui/icons.tsx'
import { Blank } from './ui/states.tsx'
import { currentTheme, nextTheme } from './ui/theme.ts'
import { Hidden } from './ui/text.tsx'
import { clock } from './ui/time.tsx'

export function App() {
  const place = usePlace()
  const contact = useContact()
  useEffect(() => {
    document.addEventListener('click', followLinks)
    return () => document.removeEventListener('click', followLinks)
  }, [])
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <Shell section={place.parts[0] ?? ''} signedIn={contact.signedIn}>
        {contact.signedIn ? <Page place={place} /> : <SignIn />}
      </Shell>
      <Contactless contact={contact} />
    </>
  )
}

function Page({ place }: { readonly place: Place }) {
  const [section, name, ...more] = place.parts
  const missing = (
    <Blank icon="search" title="There is no such page">
      <a href={href([])}>Go to the overview</a>
    </Blank>
  )
  if (more.length > 0) return missing
  if (section === undefined) return <Overview />
  if (section === 'instances') {
    return name === undefined ? (
      <Instances query={place.query} />
    ) : (
      <Instance key={name} id={name} query={place.query} />
    )
  }
  if (section === 'workflows') {
    return name === undefined ? <Overview /> : <Workflow key={name} name={name} query={place.query} />
  }
  return missing
}

interface ShellProps {
  readonly section: string
  readonly signedIn: boolean
  readonly children: ComponentChildren
}

function Shell({ section, signedIn, children }: ShellProps) {
  const links = [
    ['', 'Overview', href([])],
    ['instances', 'Instances', href(['instances'])],
  ] as const
  return (
    <>
      <header class="bar">
        <a class="brand" href={href([])} aria-label="Polaris, overview">
          <Icon name="star" />
          <span class="brand-name">Polaris</span>
        </a>
        {signedIn && (
          <nav class="bar-nav" aria-label="Pages">
            {links.map(([name, title, to]) => (
              <a
                key={name}
                href={to}
                aria-current={(section === 'workflows' ? '' : section) === name ? 'page' : undefined}
              >
                {title}
              </a>
            ))}
          </nav>
        )}
        <div class="bar-end">
          {signedIn && <Jump />}
          <ThemeButton />
        </div>
      </header>
      <main id="main" class="main" tabIndex={-1}>
        {children}
      </main>
    </>
  )
}

/** Goes to an instance by its id. */
function Jump() {
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = (event.target as HTMLElement | null)?.closest('input, textarea, select, dialog')
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || typing) return
      event.preventDefault()
      input.current?.focus()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return (
    <form
      class="jump"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        const id = input.current?.value ?? ''
        if (id.trim() === '') return
        go(href(['instances', id]))
        if (input.current) input.current.value = ''
      }}
    >
      <Icon name="search" />
      <input
        ref={input}
        type="search"
        placeholder="Go to instance"
        aria-label="Go to an instance by its id"
        maxLength={512}
      />
      <kbd aria-hidden="true">/</kbd>
    </form>
  )
}

function ThemeButton() {
  const [theme, setTheme] = useState(currentTheme)
  const names = { auto: 'as the system', light: 'light', dark: 'dark' }
  return (
    <button
      type="button"
      class="button quiet square"
      title={`Colours: ${names[theme]}`}
      aria-label={`Colours: ${names[theme]}. Change`}
      onClick={() => setTheme(nextTheme())}
    >
      <Icon name={theme === 'auto' ? 'auto' : theme === 'light' ? 'sun' : 'moon'} />
    </button>
  )
}

function useContact(): Contact {
  const [contact, setContact] = useState(currentContact)
  useEffect(() => onContact(setContact), [])
  return contact
}

/** Lies over the page, so that nothing jumps when the service goes and comes. */
function Contactless({ contact: { reached } }: { readonly contact: Contact }) {
  const [since, setSince] = useState<string | undefined>(undefined)
  useEffect(() => setSince(reached ? undefined : new Date().toISOString()), [reached])
  return (
    <div class="contactless" role="status">
      {!reached && since !== undefined && (
        <p>
          <Icon name="alert" />
          The service cannot be reached. This is what was known at {clock(since, Date.now())}; trying again.
          <Hidden> The page goes on by itself.</Hidden>
        </p>
      )}
    </div>
  )
}
