/** Moves and scales the graph. Nothing is rendered anew for it: a transform on one element does it. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { listen } from './gestures.ts'
import type { Box } from './layout.ts'

interface View {
  readonly x: number
  readonly y: number
  readonly scale: number
}

/** An element, once it is drawn. */
interface Ref {
  readonly current: HTMLElement | null
}

export interface Viewport {
  /** Around the middle, unless a point of the frame is named. */
  readonly zoom: (factor: number, atX?: number, atY?: number) => void
  readonly pan: (dx: number, dy: number) => void
  readonly fit: () => void
  /** As it is before anybody moves it. */
  readonly begin: () => void
  /** Brings a node into sight, if it is not. */
  readonly show: (box: Box) => void
}

interface Size {
  readonly width: number
  readonly height: number
}

const LEAST = 0.06
const MOST = 2.5
/** Below that nobody could read a thing, so that text is left out. */
const FAR = 0.42
const PADDING = 12
/** What the controls below take. */
const BELOW = 38
/** On narrower frames the whole of a graph is rarely of use. */
const ROOMY = 640
const READABLE = 0.72

/** @param focus where it begins if all of it would be too small to read */
export function useViewport(frame: Ref, stage: Ref, size: Size, focus: Box | undefined): Viewport {
  const viewport = useMemo(() => newViewport(frame, stage, size, focus), [size])
  useEffect(() => {
    const element = frame.current
    if (element === null) return
    // Until somebody moves it, it follows the size of its frame.
    let touched = false
    viewport.begin()
    const observer = new ResizeObserver(() => touched || viewport.begin())
    observer.observe(element)
    const stopListening = listen(element, {
      touch: () => (touched = true),
      move: viewport.pan,
      zoom: viewport.zoom,
    })
    return () => {
      observer.disconnect()
      stopListening()
    }
  }, [viewport])
  return viewport
}

function newViewport(frame: Ref, stage: Ref, size: Size, focus: Box | undefined): Viewport {
  let view: View = { x: 0, y: 0, scale: 1 }
  const frameSize = (): readonly [number, number] => [frame.current?.clientWidth ?? 0, frame.current?.clientHeight ?? 0]
  const apply = (next: View): void => {
    view = next
    if (stage.current === null) return
    stage.current.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`
    stage.current.classList.toggle('far', view.scale < FAR)
  }
  const viewport: Viewport = {
    zoom(factor, atX = frameSize()[0] / 2, atY = frameSize()[1] / 2) {
      const { x, y, scale } = view
      const next = Math.max(LEAST, Math.min(MOST, scale * factor))
      apply({ x: atX - ((atX - x) * next) / scale, y: atY - ((atY - y) * next) / scale, scale: next })
    },
    pan: (dx, dy) => apply({ ...view, x: view.x + dx, y: view.y + dy }),
    fit() {
      const [width, height] = frameSize()
      if (width === 0 || size.width === 0) return
      const fitting = Math.min((width - 2 * PADDING) / size.width, (height - 2 * PADDING - BELOW) / size.height)
      const scale = Math.max(LEAST, Math.min(1, fitting))
      apply({ x: (width - size.width * scale) / 2, y: (height - BELOW - size.height * scale) / 2, scale })
    },
    begin() {
      viewport.fit()
      const [width, height] = frameSize()
      if (focus === undefined || width >= ROOMY || view.scale >= READABLE) return
      apply({
        x: placed(size.width * READABLE, (focus.x + focus.width / 2) * READABLE, width),
        y: placed(size.height * READABLE, (focus.y + focus.height / 2) * READABLE, height - BELOW),
        scale: READABLE,
      })
    },
    show(box) {
      const { x, y, scale } = view
      const [width, height] = frameSize()
      viewport.pan(
        into(x + box.x * scale, x + (box.x + box.width) * scale, width),
        into(y + box.y * scale, y + (box.y + box.height) * scale, height),
      )
    },
  }
  return viewport
}

/**
 * Where what is so long begins in a frame, so that a point of it is in the middle as far as that shows no more empty space than
 * need be.
 */
export function placed(long: number, point: number, frame: number): number {
  if (long + 2 * PADDING <= frame) return (frame - long) / 2
  return Math.min(PADDING, Math.max(frame - PADDING - long, frame / 2 - point))
}

/** How far to move what reaches from `low` to `high`, so that it is within `length`. */
function into(low: number, high: number, length: number): number {
  if (low < PADDING) return PADDING - low
  return high > length - PADDING ? length - PADDING - high : 0
}

/** Width of an element, as it changes; 0 until it is known. */
export function useWidth(element: Ref): number {
  const [width, setWidth] = useState(0)
  useEffect(() => {
    if (element.current === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.round(entry?.contentRect.width ?? 0)))
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [])
  return width
}
