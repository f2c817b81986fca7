/** Wheel, drag and pinch. A click on a node stays a click: only a hand that moves takes the pointer. */
export interface Gestures {
  /** Somebody has taken it into his hands. */
  readonly touch: () => void
  readonly move: (dx: number, dy: number) => void
  readonly zoom: (factor: number, atX: number, atY: number) => void
}

/** Pixels that a hand trembles. */
const TREMBLE = 4

/** @returns ends it */
export function listen(frame: HTMLElement, gestures: Gestures): () => void {
  const stop = new AbortController()
  const { signal } = stop
  const hands = newHands(frame, gestures)
  frame.addEventListener('wheel', (event) => onWheel(event, frame, gestures), { passive: false, signal })
  frame.addEventListener('pointerdown', hands.down, { signal })
  frame.addEventListener('pointermove', hands.move, { signal })
  frame.addEventListener('pointerup', hands.up, { signal })
  frame.addEventListener('pointercancel', hands.up, { signal })
  frame.addEventListener('click', hands.click, { capture: true, signal })
  return () => stop.abort()
}

function within(frame: HTMLElement, { clientX, clientY }: MouseEvent): readonly [number, number] {
  const { left, top } = frame.getBoundingClientRect()
  return [clientX - left, clientY - top]
}

function onWheel(event: WheelEvent, frame: HTMLElement, { touch, move, zoom }: Gestures): void {
  const { ctrlKey, metaKey, shiftKey, deltaMode, deltaY } = event
  // A page that scrolls must not be caught by a graph under the pointer: plain wheels scroll, unless it has the focus.
  if (!ctrlKey && !metaKey && !frame.contains(document.activeElement)) return
  event.preventDefault()
  touch()
  const pixels = deltaY * (deltaMode === 1 ? 16 : 1)
  if (shiftKey) move(-pixels, 0)
  else zoom(Math.exp(-pixels / (ctrlKey ? 120 : 400)), ...within(frame, event))
}

function newHands(frame: HTMLElement, { touch, move, zoom }: Gestures) {
  const pointers = new Map<number, PointerEvent>()
  let moved = 0
  const drag = (before: PointerEvent, event: PointerEvent): void => {
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY]
    moved += Math.abs(dx) + Math.abs(dy)
    if (moved < TREMBLE) return
    if (!frame.hasPointerCapture(event.pointerId)) frame.setPointerCapture(event.pointerId)
    frame.classList.add('moving')
    touch()
    const other = [...pointers.values()].find(({ pointerId }) => pointerId !== event.pointerId)
    if (other === undefined) {
      move(dx, dy)
      return
    }
    const apart = (one: PointerEvent): number => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY)
    move(dx / 2, dy / 2)
    if (apart(before) > 0) zoom(apart(event) / apart(before), ...within(frame, other))
  }
  return {
    down: (event: PointerEvent): void => {
      if (event.button !== 0) return
      if (pointers.size === 0) moved = 0
      pointers.set(event.pointerId, event)
    },
    move: (event: PointerEvent): void => {
      const before = pointers.get(event.pointerId)
      if (before === undefined) return
      drag(before, event)
      pointers.set(event.pointerId, event)
    },
    up: (event: PointerEvent): void => {
      pointers.delete(event.pointerId)
      if (pointers.size === 0) frame.classList.remove('moving')
    },
    click: (event: MouseEvent): void => {
      // The click that ends a drag is none.
      if (moved >= TREMBLE) event.stopPropagation()
      moved = 0
    },
  }
}
