/*
 * Puts a Tertulia meeting into a page: `new Tertulia(domain, options)`, or under the name and with the options, commands
 * and events of Jitsi Meet's external API. See docs/embedding.md of the project.
 */
(() => {
  const version = 1;
  const origin = new URL(document.currentScript?.src ?? location.href).origin;
  /** Commands of Jitsi Meet by other names, or with nothing to do here. */
  const aliases = { 'video-hangup': 'hangup', toggleParticipants: 'toggleParticipantsPane' };

  function encode(prefix, values, parts) {
    for (const [key, value] of Object.entries(values ?? {})) {
      if (value === undefined || typeof value === 'function') continue;
      if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
        encode(`${prefix}.${key}`, value, parts);
      } else parts.push([`${prefix}.${key}`, JSON.stringify(value)]);
    }
  }

  class Tertulia {
    #frame;
    #origin;
    #listeners = new Map();
    #replies = new Map();
    #count = 0;
    #ready = false;
    #queue = [];
    #people = new Map();
    #onMessage = (event) => this.#take(event);

    constructor(domain, options = {}) {
      const secure = options.noSSL ? 'http:' : 'https:';
      this.#origin = domain
        ? new URL(/^https?:/.test(domain) ? domain : `${secure}//${domain}`).origin
        : origin;
      const parts = [];
      encode('config', options.configOverwrite, parts);
      encode('userInfo', options.userInfo, parts);
      if (options.lang) parts.push(['config.defaultLanguage', JSON.stringify(options.lang)]);
      if (options.key) parts.push(['key', options.key]);
      const url = new URL(encodeURIComponent(options.roomName ?? ''), `${this.#origin}/`);
      if (options.jwt) url.searchParams.set('jwt', options.jwt);
      url.hash = new URLSearchParams(parts).toString();

      const frame = document.createElement('iframe');
      frame.src = url.href;
      frame.allow =
        'camera; microphone; display-capture; autoplay; fullscreen; picture-in-picture; speaker-selection; screen-wake-lock; clipboard-write';
      frame.title = options.title ?? options.roomName ?? 'Meeting';
      frame.style.border = '0';
      frame.style.width = size(options.width ?? '100%');
      frame.style.height = size(options.height ?? '100%');
      frame.addEventListener('load', () => {
        this.#hello();
        options.onload?.();
      });
      this.#frame = frame;
      window.addEventListener('message', this.#onMessage);
      (options.parentNode ?? document.body).append(frame);
    }

    /** Runs a command; what is not known is passed over, as in Jitsi Meet. */
    executeCommand(name, ...args) {
      this.#ask(aliases[name] ?? name, args).catch(() => undefined);
    }

    executeCommands(commands) {
      for (const [name, args] of Object.entries(commands)) {
        this.executeCommand(name, ...(Array.isArray(args) ? args : [args]));
      }
    }

    isAudioMuted() {
      return this.#ask('isAudioMuted', []);
    }

    isVideoMuted() {
      return this.#ask('isVideoMuted', []);
    }

    isAudioAvailable() {
      return this.#ask('isAudioAvailable', []);
    }

    isVideoAvailable() {
      return this.#ask('isVideoAvailable', []);
    }

    getParticipantsInfo() {
      return [...this.#people.values()];
    }

    getNumberOfParticipants() {
      return this.#people.size;
    }

    getDisplayName(id) {
      return this.#people.get(id)?.displayName;
    }

    getIFrame() {
      return this.#frame;
    }

    addListener(event, listener) {
      this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
      return this;
    }

    removeListener(event, listener) {
      const left = (this.#listeners.get(event) ?? []).filter((one) => one !== listener);
      this.#listeners.set(event, left);
      return this;
    }

    on(event, listener) {
      return this.addListener(event, listener);
    }

    off(event, listener) {
      return this.removeListener(event, listener);
    }

    once(event, listener) {
      const one = (data) => {
        this.removeListener(event, one);
        listener(data);
      };
      return this.addListener(event, one);
    }

    addEventListener(event, listener) {
      this.addListener(event, listener);
    }

    addEventListeners(listeners) {
      for (const [event, listener] of Object.entries(listeners)) this.addListener(event, listener);
    }

    removeEventListener(event, listener) {
      this.removeListener(event, listener);
    }

    removeEventListeners(events) {
      for (const event of events) this.#listeners.delete(event);
    }

    /** Removes the meeting from the page. */
    dispose() {
      window.removeEventListener('message', this.#onMessage);
      this.#listeners.clear();
      for (const { reject } of this.#replies.values()) reject(new Error('disposed'));
      this.#replies.clear();
      this.#frame.remove();
    }

    #hello() {
      this.#post({ command: 'hello' });
    }

    #ask(command, args) {
      return new Promise((resolve, reject) => {
        this.#count += 1;
        this.#replies.set(this.#count, { resolve, reject });
        const message = { id: this.#count, command, args };
        if (this.#ready) this.#post(message);
        else this.#queue.push(message);
      });
    }

    #post(message) {
      this.#frame.contentWindow?.postMessage({ tertulia: version, ...message }, this.#origin);
    }

    #take({ source, origin: from, data }) {
      if (source !== this.#frame.contentWindow || from !== this.#origin) return;
      if (data === null || typeof data !== 'object' || data.tertulia !== version) return;
      if (data.reply !== undefined) {
        const asked = this.#replies.get(data.reply);
        this.#replies.delete(data.reply);
        if (data.error) asked?.reject(new Error(data.error));
        else asked?.resolve(data.result);
        return;
      }
      if (typeof data.event === 'string') this.#happened(data.event, data.data ?? {});
    }

    #happened(event, data) {
      if (event === 'ready') {
        this.#ready = true;
        for (const message of this.#queue.splice(0)) this.#post(message);
      }
      if (event === 'videoConferenceJoined') {
        this.#people.set(data.id, { participantId: data.id, displayName: data.displayName });
      }
      if (event === 'participantJoined') {
        this.#people.set(data.id, { participantId: data.id, displayName: data.displayName });
      }
      if (event === 'displayNameChange' && this.#people.has(data.id)) {
        this.#people.set(data.id, { participantId: data.id, displayName: data.displayname });
      }
      if (event === 'participantLeft') this.#people.delete(data.id);
      if (event === 'videoConferenceLeft') this.#people.clear();
      for (const listener of this.#listeners.get(event) ?? []) listener(data);
    }
  }

  function size(value) {
    return typeof value === 'number' ? `${value}px` : value;
  }

  window.Tertulia = Tertulia;
  window.JitsiMeetExternalAPI = Tertulia;
})();
