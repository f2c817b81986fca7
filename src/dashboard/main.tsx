import { render } from 'preact'
import './styles/base.css'
import './styles/shell.css'
import './styles/parts.css'
import './styles/graph.css'
import './styles/pages.css'
import { App } from './app.tsx'
import { signInByLink } from './pages/sign-in.tsx'
import { applyTheme } from './ui/theme.ts'

applyTheme()
// A link that carries a token signs in before anything is asked for.
void signInByLink().then(() => render(<App />, document.getElementById('app') as HTMLElement))
