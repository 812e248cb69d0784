// Original file: proto/drover/v1/agent_session.proto


export interface EnrolRequestInput {
  'token'?: (string);
  'hostName'?: (string);
  'certificateRequestDer'?: (Buffer | Uint8Array | string);
  'labels'?: ({[key: string]: string});
  'availabilityZone'?: (string);
  'machineId'?: (string);
  'simulated'?: (boolean);
}

export interface EnrolRequest {
  'token': (string);
  'hostName': (string);
  'certificateRequestDer': (Buffer);
  'labels': ({[key: string]: string});
  'availabilityZone': (string);
  'machineId': (string);
  'simulated': (boolean);
}
