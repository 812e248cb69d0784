// Original file: proto/drover/v1/agent_session.proto


export interface RenewCertificateResponseInput {
  'certificateDer'?: (Buffer | Uint8Array | string);
}

export interface RenewCertificateResponse {
  'certificateDer': (Buffer);
}
