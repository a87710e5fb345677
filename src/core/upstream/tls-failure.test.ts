import { describe, expect, it } from 'vitest'
import { toTlsFailure } from './tls-failure.ts'

const withCode = (code: string): Error => Object.assign(new Error('planted words'), { code })

describe('toTlsFailure', () => {
  it.each([
    'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
    'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA',
    'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED',
    'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN',
    'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED',
    'ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE',
  ])('says of %s that the server did not take our certificate', (code) => {
    const failure = toTlsFailure(withCode(code))
    expect(failure).toMatchObject({ code: 'upstream_auth_failed', details: { reason: 'client_certificate' } })
    expect(failure?.cause).toBeUndefined()
  })

  it.each([42, 43, 44, 45, 46, 48, 49, 116])('knows alert %i while something is written', (number) => {
    const message = `write EPROTO 80:error:0A000418:SSL routines:ssl3_read_bytes:alert:rec.c:909:SSL alert number ${number}\n`
    const failure = toTlsFailure(Object.assign(new Error(message), { code: 'EPROTO' }))
    expect(failure).toMatchObject({ code: 'upstream_auth_failed', details: { reason: 'client_certificate' } })
  })

  it.each([40, 47, 70, 80, 420])('takes alert %i for something else', (number) => {
    expect(toTlsFailure(Object.assign(new Error(`SSL alert number ${number}`), { code: 'EPROTO' }))).toBeNull()
  })

  it.each(['CERT_HAS_EXPIRED', 'ERR_TLS_CERT_ALTNAME_INVALID', 'SELF_SIGNED_CERT_IN_CHAIN'])(
    'says of %s that nobody vouches for the server, and repeats nothing of its certificate',
    (code) => {
      const failure = toTlsFailure(withCode(code))
      expect(failure).toMatchObject({ code: 'upstream_unreachable', details: { reason: 'server_certificate' } })
      expect(failure?.cause).toBeUndefined()
    },
  )

  it.each([withCode('ECONNRESET'), withCode('ERR_SSL_WRONG_VERSION_NUMBER'), new Error('x'), 'text', null])(
    'leaves %s to others',
    (error) => {
      expect(toTlsFailure(error)).toBeNull()
    },
  )
})
