export { ApiError, errorFromResponse } from './ApiError';
export { api, roomPath } from './client';
export type * from './types';
