/** A form that feeds one datum, made from the schema of its data. */
import { useMemo, useRef, useState } from 'preact/hooks'
import { ask, at, isBuildersFault, newKey, Refusal } from '../api/client.ts'
import type { DataOfPlan, Json, Status } from '../api/wire.ts'
import { visible, Words } from '../ui/text.tsx'
import { FieldView, pathKey } from './fields.tsx'
import type { Problems } from './fields.tsx'
import { emptyDraft, fieldOf, pathOf, toJson, TypingError } from './schema.ts'
import type { Draft, Field } from './schema.ts'

interface FeedProps {
  readonly workflow: string
  readonly id: string
  readonly data: DataOfPlan
  /** Told when the service has taken it. */
  readonly onFed?: () => void
}

/** What came of it. */
interface Told {
  readonly tone: 'good' | 'bad'
  readonly text: string
}

/** The same content under the same key is handled once, however often it is sent. */
interface Sent {
  readonly content: string
  readonly key: string
}

const RAW: Field = { kind: 'json' }

export function FeedForm(props: FeedProps) {
  const { data } = props
  const { made, raw, field, draft, problems, told, busy, setDraft, submit, turn } = useFeed(props)
  return (
    <form class="feed" noValidate onSubmit={(event) => void submit(event)} aria-label={`Feed ${visible(data.name)}`}>
      <FieldView
        {...{ field, draft, problems }}
        path={[]}
        name={raw ? 'As JSON' : 'Value'}
        required
        onChange={setDraft}
        prefix={`feed-${data.name}`}
      />
      <div class="feed-end">
        <button type="submit" class="button primary" disabled={busy}>
          {busy ? 'Feeding …' : 'Feed'}
        </button>
        {made.kind !== 'json' && (
          <button type="button" class="button quiet" onClick={turn}>
            {raw ? 'As a form' : 'As JSON'}
          </button>
        )}
      </div>
      <div role="status">
        {told && (
          <p class={`told ink-${told.tone}`}>
            <Words text={told.text} />
          </p>
        )}
      </div>
    </form>
  )
}

function useFeed({ workflow, id, data, onFed }: FeedProps) {
  const made = useMemo(() => fieldOf(data.schema), [data])
  const [raw, setRaw] = useState(made.kind === 'json')
  const field = raw ? RAW : made
  const [draft, setDraft] = useState<Draft>(() => emptyDraft(field))
  const [problems, setProblems] = useState<Problems>(new Map())
  const [told, setTold] = useState<Told | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const sent = useRef<Sent | undefined>(undefined)

  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (busy) return
    // It is known for as long as the event lasts.
    const form = event.currentTarget as HTMLFormElement
    setBusy(true)
    setTold(undefined)
    try {
      const value = toJson(field, draft, true)
      const content = JSON.stringify({ [data.name]: value })
      if (sent.current?.content !== content) sent.current = { content, key: newKey() }
      setTold(await feed(workflow, id, { [data.name]: value ?? null }, sent.current.key))
      sent.current = undefined
      setProblems(new Map())
      setDraft(emptyDraft(field))
      onFed?.()
    } catch (error) {
      const found = problemsOf(error, data.name, field)
      setProblems(found.problems)
      setTold(found.told)
      focusFirstProblem(form)
    } finally {
      setBusy(false)
    }
  }
  const turn = (): void => {
    setRaw(!raw)
    setDraft(raw ? emptyDraft(made) : draftAsText(made, draft))
    setProblems(new Map())
  }
  return { made, raw, field, draft, problems, told, busy, setDraft, submit, turn }
}

async function feed(workflow: string, id: string, body: object, key: string): Promise<Told> {
  try {
    const path = at(['workflows', workflow, 'instances', id])
    const result = await ask<{ status: Status; produced: object }>(path, {
      ...{ method: 'POST', body, headers: { 'idempotency-key': key } },
    })
    const made = Object.keys(result.produced)
    const products =
      made.length === 0
        ? 'Nothing new was made.'
        : `Made: ${made.slice(0, 8).join(', ')}${made.length > 8 ? ' …' : ''}.`
    return { tone: 'good', text: `Taken. ${products}` }
  } catch (error) {
    // What was fed is kept all the same: to the form, it is done.
    if (isBuildersFault(error)) {
      return { tone: 'bad', text: `Taken, but: ${error.message}` }
    }
    throw error
  }
}

function problemsOf(error: unknown, data: string, field: Field): { readonly problems: Problems; readonly told?: Told } {
  if (error instanceof TypingError) return { problems: new Map([[pathKey(error.path), [error.message]]]) }
  const problems = new Map<string, string[]>()
  const elsewhere: string[] = []
  for (const { pointer, detail } of error instanceof Refusal ? error.errors : []) {
    const [name, ...path] = pathOf(pointer)
    const place = name === data ? placeOf(field, path) : undefined
    if (place === undefined) elsewhere.push(detail)
    else {
      const left = path.slice(place.length)
      const text = left.length === 0 ? detail : `${left.join('.')}: ${detail}`
      problems.set(pathKey(place), [...(problems.get(pathKey(place)) ?? []), text])
    }
  }
  if (problems.size > 0 && elsewhere.length === 0) return { problems }
  return { problems, told: { tone: 'bad', text: elsewhere.join(' ') || (error as Error).message } }
}

/** The field that is nearest to what is wrong. */
function placeOf(field: Field, path: readonly string[]): readonly string[] {
  const [step, ...rest] = path
  if (step === undefined) return []
  const below =
    field.kind === 'group'
      ? field.members.find(({ name }) => name === step)?.field
      : field.kind === 'list'
        ? field.item
        : undefined
  return below === undefined ? [] : [step, ...placeOf(below, rest)]
}

function draftAsText(field: Field, draft: Draft): string {
  try {
    const value: Json | undefined = toJson(field, draft, true)
    return value === undefined ? '' : JSON.stringify(value, null, 2)
  } catch {
    return ''
  }
}

function focusFirstProblem(form: HTMLFormElement): void {
  // Once it is drawn.
  requestAnimationFrame(() => form.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
}
