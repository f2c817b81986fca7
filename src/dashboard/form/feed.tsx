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
  /** Entries of the history with the data that this one is about, the newest first, where it is about one. */
  readonly subjects?: readonly Subject[]
  /** Told when the service has taken it. */
  readonly onFed?: () => void
}

interface Subject {
  readonly seq: number
  readonly label: string
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
  const { made, raw, field, draft, problems, told, busy, about, setAbout, setDraft, submit, turn } = useFeed(props)
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
      <SubjectChoice data={data} subjects={props.subjects} about={about} onChange={setAbout} />
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

interface SubjectChoiceProps {
  readonly data: DataOfPlan
  readonly subjects: readonly Subject[] | undefined
  readonly about: number | undefined
  readonly onChange: (seq: number) => void
}

/** What counts is what was there to be seen when somebody began to fill in the form, and that is said. */
function SubjectChoice({ data, subjects = [], about, onChange }: SubjectChoiceProps) {
  if (data.about === undefined || subjects.length === 0) return null
  return (
    <label class="field feed-subject">
      <span class="field-name">Given for {visible(data.about)}</span>
      <select value={String(about)} onChange={(event) => onChange(Number(event.currentTarget.value))}>
        {subjects.map(({ seq, label }, index) => (
          <option key={seq} value={String(seq)}>
            {label}
            {index === 0 ? ', the current one' : ''}
          </option>
        ))}
      </select>
      {about !== subjects[0]?.seq && (
        <p class="field-hint">It was replaced since: what is given for it does not count any more.</p>
      )}
    </label>
  )
}

function useFeed({ workflow, id, data, subjects, onFed }: FeedProps) {
  const [chosen, setAbout] = useState(subjects?.[0]?.seq)
  const about = chosen ?? subjects?.[0]?.seq
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
      const content = JSON.stringify([{ [data.name]: value }, about])
      if (sent.current?.content !== content) sent.current = { content, key: newKey() }
      setTold(await feed(workflow, id, { [data.name]: value ?? null }, sent.current.key, about))
      sent.current = undefined
      setProblems(new Map())
      setDraft(emptyDraft(field))
      setAbout(undefined)
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
  return { made, raw, field, draft, problems, told, busy, about, setAbout, setDraft, submit, turn }
}

async function feed(workflow: string, id: string, body: object, key: string, about: number | undefined): Promise<Told> {
  try {
    const path = at(['workflows', workflow, 'instances', id], { about })
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

/** What the service or the form has against a value, by the fields of the data. */
export function problemsOf(
  error: unknown,
  data: string,
  field: Field,
): { readonly problems: Problems; readonly told?: Told } {
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
