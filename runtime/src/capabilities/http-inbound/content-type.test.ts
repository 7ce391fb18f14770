import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { contentTypeOf } from './content-type.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const type = (text: string): string => contentTypeOf(bytes(text));

const html = 'text/html; charset=utf-8';
const plain = 'text/plain; charset=utf-8';
const octets = 'application/octet-stream';

const isText = (byte: number): boolean => byte >= 0x20 || [0x09, 0x0a, 0x0c, 0x0d, 0x1b].includes(byte);

/** Two MP3 frames of a size, in bytes, with a header. */
const frames = (header: string, size: number): string => {
  const frame = header + '\0'.repeat(size - 4);
  return frame + frame;
};

suite('contentTypeOf', () => {
  const samples: readonly (readonly [string, string])[] = [
    ['<!doctype html>', html],
    [' \t\r\n\f<!DocType Html >', html],
    ['<html>', html],
    ['<HEAD >', html],
    ['<script >', html],
    ['<iframe >', html],
    ['<h1>', html],
    ['<div >', html],
    ['<font>', html],
    ['<table>', html],
    ['<a href="/">', html],
    ['<style>', html],
    ['<title>', html],
    ['<b>', html],
    ['<body>', html],
    ['<br>', html],
    ['<p>', html],
    ['<!-- remark', html],
    ['\n<?xml version="1.0"?>', 'text/xml; charset=utf-8'],
    ['%PDF-1.7', 'application/pdf'],
    ['%!PS-Adobe-3.0', 'application/postscript'],
    ['\xfe\xff\0a', 'text/plain; charset=utf-16be'],
    ['\xff\xfea\0', 'text/plain; charset=utf-16le'],
    ['\xef\xbb\xbf<html>', plain],
    ['\0\0\x01\0', 'image/x-icon'],
    ['\0\0\x02\0', 'image/x-icon'],
    ['BM\0\0', 'image/bmp'],
    ['GIF87a', 'image/gif'],
    ['GIF89a', 'image/gif'],
    ['RIFF\x24\0\0\0WEBPVP8 ', 'image/webp'],
    ['\x89PNG\r\n\x1a\n', 'image/png'],
    ['\xff\xd8\xff\xe0', 'image/jpeg'],
    ['FORM\0\0\0\x10AIFF', 'audio/aiff'],
    ['ID3\x04', 'audio/mpeg'],
    ['OggS\0', 'application/ogg'],
    ['MThd\0\0\0\x06', 'audio/midi'],
    ['RIFF\x24\0\0\0AVI LIST', 'video/avi'],
    ['RIFF\x24\0\0\0WAVEfmt ', 'audio/wave'],
    ['\0\x01\0\0\0\x0f', 'font/ttf'],
    ['OTTO\0', 'font/otf'],
    ['ttcf\0', 'font/collection'],
    ['wOFF\0', 'font/woff'],
    ['wOF2\0', 'font/woff2'],
    [`${'\0'.repeat(34)}LP`, 'application/vnd.ms-fontobject'],
    ['\x1f\x8b\x08\0', 'application/x-gzip'],
    ['PK\x03\x04', 'application/zip'],
    ['Rar \x1a\x07\0', 'application/x-rar-compressed'],
    ['\0asm\x01\0\0\0', octets],
    ['{"a":1}', plain],
    ['caf\xe9, \x1b[1m escapes and bytes that are not UTF-8 \xff', plain],
  ];
  for (const [sample, expected] of samples) {
    test(`${JSON.stringify(sample.slice(0, 24))} is ${expected}`, () => assert.equal(type(sample), expected));
  }

  test('an empty body is text', () => assert.equal(type(''), plain));

  test('a tag needs its end, so a longer word is not HTML', () => {
    for (const sample of ['<html', '<htmlx>', '<b1>', '<article>', '<a\t', '<!--x'])
      assert.equal(type(sample), plain);
  });

  test('a signature cut short is not found', () => {
    for (const sample of ['<?xm', '%PDF', 'GIF89', 'RIFF1234WEBPV', '\xfe\xff', '\xef\xbb\xbf', 'wOF']) {
      assert.equal(type(sample), plain);
    }
    assert.equal(type('\x89PNG\r\n\x1a'), octets);
  });

  test('only HTML and XML may stand behind blanks', () => assert.equal(type(' %PDF-1.7'), plain));

  test('text with LP at the place of a font signature stays text', () => {
    assert.equal(type(`${'x'.repeat(34)}LP`), plain);
  });

  test('each binary data byte makes a body binary, and no other byte does', () => {
    for (let byte = 0; byte < 256; byte++) {
      assert.equal(contentTypeOf(Uint8Array.of(0x61, byte)), isText(byte) ? plain : octets, `byte ${byte}`);
    }
  });

  test('a binary byte counts among the first 1,445 bytes only', () => {
    assert.equal(type(`${'a'.repeat(1444)}\0`), octets);
    assert.equal(type(`${'a'.repeat(1445)}\0`), plain);
    assert.equal(type(`${' '.repeat(1439)}<html>`), html);
    assert.equal(type(`${' '.repeat(1440)}<html>`), plain);
  });

  test('an offset into a larger buffer is honoured', () => {
    assert.equal(contentTypeOf(bytes('\0\0<html>').subarray(2)), html);
    assert.equal(contentTypeOf(bytes('<html>').subarray(0, 5)), plain);
  });
});

suite('contentTypeOf, MP4', () => {
  test('the brand mp4 is found as major and as compatible brand', () => {
    assert.equal(type('\0\0\0\x14ftypmp42\0\0\0\0isom'), 'video/mp4');
    assert.equal(type('\0\0\0\x18ftypisom\0\0\0\0avc1mp41'), 'video/mp4');
  });

  test('other brands, the minor version and what is behind the box do not count', () => {
    assert.equal(type('\0\0\0\x14ftypisom\0\0\0\0avc1'), octets);
    assert.equal(type('\0\0\0\x14ftypisommp41avc1'), octets);
    assert.equal(type('\0\0\0\x14ftypisom\0\0\0\0avc1mp41'), octets);
  });

  test('a box that is longer than the body or no multiple of 4 is refused', () => {
    assert.equal(type('\0\0\0\x18ftypmp42\0\0\0\0isom'), octets);
    assert.equal(type('\0\0\0\x13ftypmp42\0\0\0\0isom'), octets);
    assert.equal(type('\xff\xff\xff\xfcftypmp42\0\0\0\0isom'), octets);
  });
});

suite('contentTypeOf, WebM', () => {
  const ebml = '\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01';

  test('the document type webm is found', () => {
    assert.equal(type(`${ebml}\x42\x82\x84webm`), 'video/webm');
    assert.equal(type(`${ebml}\x42\x82\x40\x04webm\x42\x87`), 'video/webm');
    assert.equal(type(`${ebml}\x42\x82\x86\0\0webm`), 'video/webm');
  });

  test('another document type, a cut one and one too far behind are not WebM', () => {
    assert.equal(type(`${ebml}\x42\x82\x88matroska`), octets);
    assert.equal(type(`${ebml}\x42\x82\x84web`), octets);
    assert.equal(type(`${ebml}${'\xec'.repeat(40)}\x42\x82\x84webm`), octets);
    assert.equal(type('\x1a\x45\xdf\xa3'), octets);
  });
});

suite('contentTypeOf, MP3 without ID3', () => {
  test('two frames of MPEG 1, 2 and 2.5 are found', () => {
    assert.equal(type(frames('\xff\xfb\x90\x00', 417)), 'audio/mpeg');
    assert.equal(type(frames('\xff\xfb\x92\x00', 418)), 'audio/mpeg');
    assert.equal(type(frames('\xff\xfb\xe8\x00', 1440)), 'audio/mpeg');
    assert.equal(type(frames('\xff\xf3\x80\x00', 208)), 'audio/mpeg');
    assert.equal(type(frames('\xff\xe3\x88\x00', 576)), 'audio/mpeg');
  });

  test('one frame, a wrong distance, another layer and reserved rates are not MP3', () => {
    assert.equal(type('\xff\xfb\x90\x00'.padEnd(500, '\0')), octets);
    assert.equal(type(frames('\xff\xfb\x90\x00', 418)), octets);
    assert.equal(type(frames('\xff\xfd\x90\x00', 417)), octets);
    assert.equal(type(frames('\xff\xfb\xf0\x00', 417)), octets);
    assert.equal(type(frames('\xff\xfb\x9c\x00', 417)), octets);
    assert.equal(type(frames('\xff\xfb\x00\x00', 417)), octets);
  });
});
