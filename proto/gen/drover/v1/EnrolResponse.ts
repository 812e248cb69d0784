// Original file: proto/drover/v1/agent_session.proto


export interface EnrolResponseInput {
  'hostId'?: (string);
  'certificateDer'?: (Buffer | Uint8Array | string);
  'authorityCertificateDer'?: (Buffer | Uint8Array | string);
  'sessionAddress'?: (string);
}

export interface EnrolResponse {
  'hostId': (string);
  'certificateDer': (Buffer);
  'authorityCertificateDer': (Buffer);
  'sessionAddress': (string);
}
