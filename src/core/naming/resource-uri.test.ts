import { UriTemplate } from '@modelcontextprotocol/sdk/shared/uriTemplate.js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exposeUri, parseExposedUri } from './resource-uri.ts'

const serverName = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,39}$/)

describe('exposeUri and parseExposedUri', () => {
  it('puts the server in front of the untouched URI', () => {
    expect(exposeUri('filesystem', 'file:///etc/hosts')).toBe('toolgate://filesystem/file:///etc/hosts')
    expect(exposeUri('db', 'postgres://u@h/t?x=1#y')).toBe('toolgate://db/postgres://u@h/t?x=1#y')
  })

  it.each([
    'file:///a b',
    '',
    '/',
    '//x/../y',
    'test://static/resource/1',
    'data:text/plain,a%2Fb',
    'urn:isbn:1\n2',
    'toolgate://inner/x:y',
    'x:\u2028\u2029',
    '\ud800',
  ])('gives %j back as it was', (uri) => {
    expect(parseExposedUri(exposeUri('srv', uri))).toEqual({ server: 'srv', uri })
  })

  it('reverses any text', () => {
    fc.assert(
      fc.property(serverName, fc.string({ unit: 'binary' }), (server, uri) => {
        expect(parseExposedUri(exposeUri(server, uri))).toEqual({ server, uri })
      }),
    )
  })

  it('keeps different servers and URIs apart', () => {
    const pair = fc.tuple(serverName, fc.string())
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        const isSame = one[0] === other[0] && one[1] === other[1]
        expect(exposeUri(...one) === exposeUri(...other)).toBe(isSame)
      }),
    )
  })

  it.each([
    '',
    'file:///etc/hosts',
    'toolgate:',
    'toolgate://',
    'toolgate://srv',
    'toolgate:///x',
    'toolgate:/srv/x',
    ' toolgate://srv/x',
    'https://toolgate://srv/x',
    'toolgate://srv@host/x',
    'toolgate://srv:1/x',
    'toolgate://a%2Fb/x',
    'toolgate://../x',
    'toolgate://s\u017Fv/x',
  ])('takes %j for no exposed URI', (uri) => {
    expect(parseExposedUri(uri)).toBeNull()
  })

  it.each(['file:///a/b?c=d#e', 'test://static/resource/1', 'memo:insights', 'http://[::1]:80/x'])(
    'survives a client that normalises the exposed %j',
    (uri) => {
      expect(parseExposedUri(new URL(exposeUri('my-srv_1', uri)).href)).toEqual({ server: 'my-srv_1', uri })
      expect(parseExposedUri(exposeUri('srv', uri).replace('toolgate://srv', 'TOOLGATE://SRV'))).toEqual({
        server: 'srv',
        uri,
      })
    },
  )
})

describe('an exposed URI template', () => {
  const variable = fc.constantFrom('a', 'b', 'long_name', 'x')
  const operator = fc.constantFrom('', '+', '#', '.', '/', '?', '&')
  const expression = fc
    .tuple(operator, fc.uniqueArray(variable, { minLength: 1, maxLength: 3 }), fc.constantFrom('', '*'))
    .map(([sign, names, explode]) => `{${sign}${names.map((name) => name + explode).join(',')}}`)
  const literal = fc.constantFrom('file:///', 'db://t/', '/', '-', '.json', 'toolgate://', '%20', '')
  const template = fc.array(fc.oneof(expression, literal), { maxLength: 8 }).map((parts) => parts.join(''))
  const value = fc.oneof(fc.string(), fc.array(fc.string(), { maxLength: 3 }))
  const values = fc.dictionary(variable, value)

  it('expands to the exposed expansion of the original', () => {
    fc.assert(
      fc.property(serverName, template, values, (server, original, variables) => {
        const expanded = new UriTemplate(exposeUri(server, original)).expand(variables)
        expect(parseExposedUri(expanded)).toEqual({ server, uri: new UriTemplate(original).expand(variables) })
      }),
    )
  })
})
