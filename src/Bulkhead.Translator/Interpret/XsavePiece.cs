namespace Bulkhead.Translator.Interpret;

/// <summary>A range of an XSAVE area that is written.</summary>
internal readonly record struct XsavePiece(int Offset, int Length);
