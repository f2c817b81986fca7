/** Light, dark, or as the system has it. */
export type Theme = 'auto' | 'light' | 'dark'

const KEY = 'polaris-theme'
const NEXT: Readonly<Record<Theme, Theme>> = { auto: 'light', light: 'dark', dark: 'auto' }

export function currentTheme(): Theme {
  try {
    const stored = localStorage.getItem(KEY)
    return stored === 'light' || stored === 'dark' ? stored : 'auto'
  } catch {
    // Browsers may forbid it; then the system decides.
    return 'auto'
  }
}

export function applyTheme(theme: Theme = currentTheme()): void {
  if (theme === 'auto') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

export function nextTheme(): Theme {
  const theme = NEXT[currentTheme()]
  try {
    if (theme === 'auto') localStorage.removeItem(KEY)
    else localStorage.setItem(KEY, theme)
  } catch {
    // It holds until the page is loaded anew.
  }
  applyTheme(theme)
  return theme
}
