/** Begins an instance with some of the data that a start can take, all in one request. */
import { useMemo, useState } from 'preact/hooks'
import { ask, at, isBuildersFault, newKey } from '../api/client.ts'
import type { DataOfPlan, Json, Plan } from '../api/wire.ts'
import { problemsOf } from '../form/feed.tsx'
import { FieldView } from '../form/fields.tsx'
import type { Problems } from '../form/fields.tsx'
import { emptyDraft, fieldOf, toJson } from '../form/schema.ts'
import type { Draft, Field } from '../form/schema.ts'
import { go, href } from '../router.ts'
import { DialogEnd } from '../ui/dialog-end.tsx'
import { Dialog } from '../ui/dialog.tsx'
import { Name } from '../ui/text.tsx'

export function StartButton({ plan }: { readonly plan: Plan }) {
  const [open, setOpen] = useState(false)
  return (
    <>
      <button type="button" class="button primary" onClick={() => setOpen(true)}>
        New instance
      </button>
      {open && <StartDialog plan={plan} onClose={() => setOpen(false)} />}
    </>
  )
}

/** One data of the form. */
interface Part {
  readonly data: DataOfPlan
  readonly field: Field
  readonly chosen: boolean
  readonly draft: Draft
  readonly problems: Problems
}

/** What callers feed, in the order of the workflow; the first of it is what most begin with. */
function partsOf({ data, inputs }: Plan): Part[] {
  return data
    .filter(({ name, feedable }) => feedable && inputs.includes(name))
    .map((each, index) => {
      const field = fieldOf(each.schema)
      return { data: each, field, chosen: index === 0, draft: emptyDraft(field), problems: new Map() }
    })
}

function StartDialog({ plan, onClose }: { readonly plan: Plan; readonly onClose: () => void }) {
  const { workflow } = plan
  const key = useMemo(newKey, [])
  const [id, setId] = useState(`${workflow}-${key.slice(0, 8)}`)
  const [parts, setParts] = useState(() => partsOf(plan))
  const [problem, setProblem] = useState<string | undefined>(undefined)
  const [busy, setBusy] = useState(false)
  const change = (name: string, changes: Partial<Part>): void =>
    setParts((all) => all.map((part) => (part.data.name === name ? { ...part, ...changes } : part)))
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    const failed = await begin({ workflow, id, key }, parts)
    setBusy(false)
    if (failed === undefined) return go(href(['instances', id]))
    setParts(failed.parts)
    setProblem(failed.problem)
  }
  return (
    <Dialog title="New instance" onClose={onClose}>
      <form class="confirm" noValidate onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span class="field-name">Id</span>
          <input type="text" value={id} maxLength={512} onInput={(event) => setId(event.currentTarget.value)} />
        </label>
        {parts.map((part) => (
          <PartView key={part.data.name} part={part} onChange={(changes) => change(part.data.name, changes)} />
        ))}
        <DialogEnd
          problem={problem}
          leave="Leave it"
          onClose={onClose}
          verb={busy ? 'One moment …' : 'Begin'}
          disabled={busy || id.trim() === '' || !parts.some(({ chosen }) => chosen)}
        />
      </form>
    </Dialog>
  )
}

function PartView({
  part: { data, field, chosen, draft, problems },
  onChange,
}: {
  readonly part: Part
  readonly onChange: (changes: Partial<Part>) => void
}) {
  return (
    <fieldset class="start-part">
      <legend>
        <label class="check">
          <input
            type="checkbox"
            checked={chosen}
            onChange={(event) => onChange({ chosen: event.currentTarget.checked })}
          />
          <Name strong text={data.name} />
        </label>
      </legend>
      {chosen && (
        <FieldView
          {...{ field, draft, problems }}
          path={[]}
          name={field.kind === 'json' ? 'As JSON' : 'Value'}
          required
          onChange={(next) => onChange({ draft: next })}
          prefix={`start-${data.name}`}
        />
      )}
    </fieldset>
  )
}

interface Failed {
  readonly parts: Part[]
  readonly problem: string | undefined
}

interface Begin {
  readonly workflow: string
  readonly id: string
  /** The same request sent again after a lost answer is handled once. */
  readonly key: string
}

/** `undefined` once the instance is there. */
async function begin({ workflow, id, key }: Begin, parts: readonly Part[]): Promise<Failed | undefined> {
  const body: Record<string, Json> = Object.create(null) as Record<string, Json>
  let typing = false
  const checked = parts.map((part): Part => {
    if (!part.chosen) return part
    try {
      body[part.data.name] = toJson(part.field, part.draft, true) ?? null
      return { ...part, problems: new Map() }
    } catch (error) {
      typing = true
      return { ...part, problems: problemsOf(error, part.data.name, part.field).problems }
    }
  })
  if (typing) return { parts: checked, problem: undefined }
  try {
    const path = at(['workflows', workflow, 'instances', id], { expect: 'new' })
    await ask(path, { method: 'POST', body, headers: { 'idempotency-key': key } })
    return undefined
  } catch (error) {
    // What was fed is kept: the page of the instance says what went wrong.
    if (isBuildersFault(error)) return undefined
    const found = checked.map((part) => (part.chosen ? problemsOf(error, part.data.name, part.field) : undefined))
    return {
      parts: checked.map((part, index) => ({ ...part, problems: found[index]?.problems ?? part.problems })),
      problem: found.some((each) => each !== undefined && each.problems.size > 0)
        ? undefined
        : (error as Error).message,
    }
  }
}
