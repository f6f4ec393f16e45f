// Who is signed in, for every page of the site. The refresh token is in a cookie that no script sees; the access token
// is in memory alone and goes with the page.

/** An answer that is not a success: its status, the problem's code and fields, and the seconds of
 * `Retry-After`. */
export class Refused extends Error {
  constructor(answer, problem) {
    super(problem.detail ?? `The answer is ${answer.status}.`)
    this.status = answer.status
    // What stands before the services answers without a code.
    this.code = problem.code ?? (answer.status >= 500 ? 'unavailable' : 'unknown')
    this.fields = problem.errors ?? []
    this.retryAfter = Number(answer.headers.get('retry-after')) || 0
  }
}

/** How long before its end an access token is exchanged, in milliseconds. */
const MARGIN = 30_000

let held = null
let asking = null

/** A good access token, or null when nobody is signed in. */
export async function accessToken() {
  if (held && held.until > Date.now()) return held.token
  asking ??= refresh().finally(() => { asking = null })
  return asking
}

async function refresh() {
  held = null
  const answer = await fetch('/token', { method: 'POST' })
  if (answer.ok) return hold(await answer.json())
  const problem = await refused(answer)
  // No cookie, or one that is over: nobody is signed in.
  if (problem.status < 500 && problem.status !== 429) return null
  throw problem
}

function hold({ access_token, expires_in }) {
  held = { token: access_token, until: Date.now() + expires_in * 1_000 - MARGIN }
  return held.token
}

async function refused(answer) {
  return new Refused(answer, await answer.json().catch(() => ({})))
}

/** Sends a request as whoever is signed in; gives its JSON, or null where there is none. */
export async function call(method, path, body) {
  for (const again of [true, false]) {
    const token = await accessToken()
    const headers = { authorization: `Bearer ${token}` }
    if (body) headers['content-type'] = 'application/json'
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) })
    if (answer.status === 401 && again) {
      held = null
      continue
    }
    if (!answer.ok) throw await refused(answer)
    return answer.status === 204 ? null : answer.json()
  }
}

/** Signs in with a password. */
export async function signIn(email, password) {
  const answer = await fetch('/login', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, refresh_in: 'cookie' }),
  })
  if (!answer.ok) throw await refused(answer)
  hold(await answer.json())
}

/** Ends the session, and takes the cookie away. */
export async function signOut() {
  await call('POST', '/logout').catch((error) => {
    if (error.status !== 401) throw error
  })
  held = null
}

/** The names of the providers that people can sign in with here. */
export async function providers() {
  const answer = await fetch('/login')
  if (!answer.ok) throw await refused(answer)
  return (await answer.json()).providers
}
