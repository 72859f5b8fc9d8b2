// Its own types are in a package for another version; of it there is one use, in provider.mjs.
declare module 'oidc-provider' {
  export default class Provider {
    constructor(issuer: string, configuration: object);
    listen(port: number, host: string): import('node:http').Server;
  }
}
