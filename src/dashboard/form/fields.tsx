import { Icon } from '../ui/icons.tsx'
import { visible, Words } from '../ui/text.tsx'
import { emptyDraft } from './schema.ts'
import type { Draft, Field, Member } from './schema.ts'

/** What is wrong, by path: steps joined by `\0`. */
export type Problems = ReadonlyMap<string, readonly string[]>

export function pathKey(path: readonly string[]): string {
  return path.join('\0')
}

interface FieldProps {
  readonly field: Field
  readonly path: readonly string[]
  readonly name: string
  readonly required: boolean
  readonly draft: Draft
  readonly problems: Problems
  readonly onChange: (draft: Draft) => void
  /** Tells the elements of two forms apart. */
  readonly prefix: string
}

export function FieldView(props: FieldProps) {
  const { field } = props
  if (field.kind === 'group') return <Group {...props} members={field.members} />
  if (field.kind === 'list') return <List {...props} item={field.item} />
  return <Line {...props} />
}

function label({ name, field: { title } }: FieldProps): string {
  return visible(title ?? name)
}

function Line(props: FieldProps) {
  const { field, path, required, problems, prefix } = props
  const id = `${prefix}-${path.join('.')}`
  const found = problems.get(pathKey(path)) ?? []
  const described = [field.hint !== undefined && `${id}-hint`, found.length > 0 && `${id}-problem`]
    .filter(Boolean)
    .join(' ')
  return (
    <div class={found.length > 0 ? 'field has-problem' : 'field'}>
      <label class="field-name" for={id}>
        {label(props)}
        {!required && <span class="field-optional"> optional</span>}
      </label>
      <Input {...props} id={id} described={described || undefined} wrong={found.length > 0} />
      {field.hint !== undefined && (
        <p class="field-hint" id={`${id}-hint`}>
          <Words text={field.hint} />
        </p>
      )}
      {found.length > 0 && (
        <p class="field-problem" id={`${id}-problem`}>
          {found.map((text) => (
            <Words key={text} text={text} />
          ))}
        </p>
      )}
    </div>
  )
}

interface InputProps extends FieldProps {
  readonly id: string
  readonly described: string | undefined
  readonly wrong: boolean
}

function Input({ field, draft, required, onChange, id, described, wrong }: InputProps) {
  const common = { id, 'aria-describedby': described, 'aria-invalid': wrong, 'aria-required': required }
  const value = draft as string
  switch (field.kind) {
    case 'choice':
    case 'flag': {
      const options = field.kind === 'flag' ? ['true', 'false'] : field.options.map((_, index) => String(index))
      const names = field.kind === 'flag' ? ['yes', 'no'] : field.options.map(nameOfOption)
      return (
        <select {...common} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{required ? 'Choose …' : 'Left out'}</option>
          {options.map((option, index) => (
            <option key={option} value={option}>
              {names[index]}
            </option>
          ))}
        </select>
      )
    }
    case 'json':
      return (
        <textarea
          {...common}
          class="code"
          rows={5}
          spellcheck={false}
          value={value}
          placeholder="JSON"
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )
    default: {
      const mode = field.kind === 'number' ? (field.whole ? 'numeric' : 'decimal') : 'text'
      const onInput = (event: { readonly currentTarget: HTMLInputElement }): void => onChange(event.currentTarget.value)
      if (field.kind === 'text' && field.date) return <input {...common} type="date" value={value} onInput={onInput} />
      return <input {...common} type="text" value={value} autocomplete="off" inputMode={mode} onInput={onInput} />
    }
  }
}

function nameOfOption(option: unknown): string {
  return visible(typeof option === 'string' ? option : JSON.stringify(option))
}

function Group({ members, ...props }: FieldProps & { readonly members: readonly Member[] }) {
  const { path, draft, onChange, problems, prefix } = props
  const drafts = draft as Readonly<Record<string, Draft>>
  const own = problems.get(pathKey(path)) ?? []
  const fields = members.map(({ name, field, required }) => (
    <FieldView
      key={name}
      {...{ field, name, required, problems, prefix }}
      path={[...path, name]}
      draft={drafts[name] ?? emptyDraft(field)}
      onChange={(changed) => onChange({ ...drafts, [name]: changed })}
    />
  ))
  const said = own.map((text) => (
    <p class="field-problem" key={text}>
      <Words text={text} />
    </p>
  ))
  if (path.length === 0) return <div class="fields">{[...said, ...fields]}</div>
  return (
    <fieldset class="fields nested">
      <legend class="field-name">{label(props)}</legend>
      {said}
      {fields}
    </fieldset>
  )
}

function List({ item, ...props }: FieldProps & { readonly item: Field }) {
  const { path, draft, onChange, problems, prefix } = props
  const drafts = draft as readonly Draft[]
  return (
    <fieldset class="fields nested">
      <legend class="field-name">{label(props)}</legend>
      {(problems.get(pathKey(path)) ?? []).map((text) => (
        <p class="field-problem" key={text}>
          <Words text={text} />
        </p>
      ))}
      {drafts.map((each, index) => (
        <div class="list-item" key={index}>
          <FieldView
            {...{ field: item, problems, prefix, required: true }}
            name={`${index + 1}`}
            path={[...path, String(index)]}
            draft={each}
            onChange={(changed) => onChange(drafts.map((old, at) => (at === index ? changed : old)))}
          />
          <button
            type="button"
            class="button quiet square"
            aria-label={`Take out item ${index + 1}`}
            onClick={() => onChange(drafts.filter((_, at) => at !== index))}
          >
            <Icon name="cross" />
          </button>
        </div>
      ))}
      <button type="button" class="button" onClick={() => onChange([...drafts, emptyDraft(item)])}>
        <Icon name="plus" /> Add an item
      </button>
    </fieldset>
  )
}
