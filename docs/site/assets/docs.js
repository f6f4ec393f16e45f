// The API reference: Swagger UI on /openapi.json. Calls that are tried go out as whoever is signed in.

import { accessToken, call } from './session.js'

/** What is answered to anybody; a token there would only confuse. */
const OPEN = /^\/(login|token|health|openapi\.json|images)\b/

const dark = matchMedia('(prefers-color-scheme: dark)')
const follow = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', follow)
follow()

window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#reference',
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
  requestInterceptor: signed,
  plugins: [({ React }) => ({
    wrapComponents: {
      // A link within a button is no good to a keyboard; opening an operation changes the address by itself.
      DeepLink: () => ({ text }) => React.createElement('span', { className: 'nostyle' }, text),
      // There is one server, this one.
      ServersContainer: () => () => null,
    },
  })],
})

/** Adds the access token to a request of ours, unless one was typed in under “Authorize”. */
async function signed(request) {
  const { origin, pathname } = new URL(request.url, location)
  if (origin !== location.origin || OPEN.test(pathname) || request.headers?.Authorization) return request
  const token = await accessToken().catch(() => null)
  if (token) request.headers = { ...request.headers, Authorization: `Bearer ${token}` }
  return request
}

// Its fields have no names that a screen reader could say: each gets its parameter's.
const reference = document.getElementById('reference')
new MutationObserver(() => {
  for (const field of reference.querySelectorAll(':is(input, select, textarea):not([aria-label], [id])')) {
    const parameter = field.closest('[data-param-name]')?.dataset.paramName
    const body = field.closest('.opblock-section-request-body') && 'Request body'
    field.setAttribute('aria-label', parameter ?? body ?? field.placeholder ?? field.title)
  }
  reference.querySelector('.close-modal')?.setAttribute('aria-label', 'Close')
  for (const button of reference.querySelectorAll('.auth-btn-wrapper [aria-label]')) button.removeAttribute('aria-label')
}).observe(reference, { childList: true, subtree: true })

const caller = document.getElementById('caller')
const link = (text) => Object.assign(document.createElement('a'), { href: '/signin', textContent: text })
try {
  if (await accessToken()) {
    const { email } = await call('GET', '/me')
    caller.append('What you try here is really done, as ', link(email), '.')
  } else {
    caller.append(link('Sign in'), ' to try calls from this page. What you try is really done.')
  }
} catch {
  caller.append('Calls cannot be tried just now: signing in does not work. The reference can be read all the same.')
}
