interface VersionChoiceProps {
  readonly versions: readonly number[]
  readonly chosen: number
  readonly onChoose: (version: number) => void
}

/** To which version. */
export function VersionChoice({ versions, chosen, onChoose }: VersionChoiceProps) {
  return (
    <label class="field">
      <span class="field-name">To version</span>
      <select value={String(chosen)} onChange={(event) => onChoose(Number(event.currentTarget.value))}>
        {versions.map((each) => (
          <option key={each} value={String(each)}>
            {each}
          </option>
        ))}
      </select>
    </label>
  )
}
