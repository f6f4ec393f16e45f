// A client as people write one on the types that openapi-typescript makes of the document: `tests/check-openapi`
// compiles it, and nothing runs it.
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.js'

type Customer = components['schemas']['Customer']

const api = createClient<paths>({ baseUrl: 'https://localhost:8443' })

export async function rename(id: number, surname: string): Promise<Customer> {
  const tokens = await api.POST('/login', {
    body: { email: 'ada@example.com', password: 'correct horse battery' },
  })
  if (tokens.error) throw new Error(tokens.error.detail)
  const headers = { Authorization: `Bearer ${tokens.data.access_token}` }

  const found = await api.GET('/customers/{id}', { params: { path: { id } }, headers })
  if (found.error) throw new Error(found.error.code)
  const tag = found.response.headers.get('ETag') ?? undefined
  const changed = await api.PATCH('/customers/{id}', {
    params: { path: { id }, header: { 'If-Match': tag } },
    body: { surname, phone: null },
    headers,
  })
  if (changed.error) {
    // The codes of this operation, and of no other.
    if (changed.error.code === 'version_mismatch') throw new Error('somebody else was quicker')
    // @ts-expect-error no operation on customers answers this
    if (changed.error.code === 'last_admin') throw new Error('never')
    throw new Error(changed.error.detail)
  }
  return changed.data
}

export async function all(): Promise<string[]> {
  const names: string[] = []
  let cursor: string | undefined
  do {
    const page = await api.GET('/customers', { params: { query: { sort: '-surname', limit: 200, cursor } } })
    if (page.error) throw new Error(page.error.detail)
    names.push(...page.data.data.map((customer) => customer.surname))
    cursor = page.data.next_cursor ?? undefined
  } while (cursor)
  return names
}
