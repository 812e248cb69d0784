// Original file: proto/drover/v1/agent_session.proto


export interface RenewCertificateRequestInput {
  'certificateRequestDer'?: (Buffer | Uint8Array | string);
}

export interface RenewCertificateRequest {
  'certificateRequestDer': (Buffer);
}
