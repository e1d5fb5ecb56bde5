using System.Diagnostics;
using Bulkhead.Translator.Emit;
using Bulkhead.Translator.Verify;

namespace Bulkhead.Translator.Cache;

/// <content>The verifier's way into the code space (<see cref="EngineOptions.Verify"/>).</content>
internal sealed unsafe partial class CodeSpace : ICodeMap
{
    private bool _thunksVerified;

    /// <inheritdoc/>
    bool ICodeMap.TryGetEdge(int edge, out EdgePlaces places)
    {
        places = default;
        if ((uint)edge >= (uint)_edgeCount)
        {
            return false;
        }

        ref Edge e = ref _edges[edge];
        ulong executable = (ulong)_code.Executable;
        ulong jump = executable + (ulong)e.JumpPlace;
        places = new EdgePlaces(jump, e.IdBefore == 0 ? 0 : jump - e.IdBefore, e.MissAfter is 0 or Edge.Saved ? 0 : jump + e.MissAfter, e.SourcePage);
        return true;
    }

    /// <inheritdoc/>
    ulong ICodeMap.InterpretedAt(int number) => (uint)number < (uint)_interpretedCount ? _interpreted[number].IP : 0;

    /// <inheritdoc/>
    bool ICodeMap.TryFindEntry(ulong address, uint pageId, out ulong rip)
    {
        int offset = (int)Math.Min(address - (ulong)_code.Executable, int.MaxValue);
        rip = 0;
        if (!_blocks.TryFindHost(offset, out int index) || _blocks[index].Start != offset || _blocks[index].Page != pageId || _blocks[index].SecondPage != 0)
        {
            return false;
        }

        rip = _pages[(int)pageId].Gva + _blocks[index].Offset - ModeOf(pageId).InPages(0);
        return true;
    }

    /// <summary>With the option set: verifies the block just emitted, and at first the thunks. A violation ends the domain.</summary>
    private void VerifyEmitted(BlockPlan plan)
    {
        if (_verifier is null)
        {
            return;
        }

        if (!_thunksVerified)
        {
            StopAt(ThunkVerifier.Verify(Thunks.Places, new ReadOnlySpan<byte>(_code.Executable, Thunks.Bytes), (ulong)_code.Executable, _options));
            _thunksVerified = true;
        }

        // SAFETY: the writer has just written these bytes of the cache (BlockVerifierTests).
        byte* start = _code.Executable + _blockStart;
        byte[] saves = plan.FlagsEntry == FlagsEntry.Saves ? ThunkVerifier.FlagsSave() : [];
        byte[] before =
        [
            .. plan.Relative ? ThunkVerifier.BaseEntry() : [],
            .. plan.Relative && saves.Length > 0 ? [0xEB, (byte)saves.Length] : (byte[])[],
            .. plan.FlagsEntry == FlagsEntry.Restores ? ThunkVerifier.FlagsEntry() : [],
        ];
        if (!new ReadOnlySpan<byte>(start - before.Length, before.Length + saves.Length).SequenceEqual([.. before, .. saves]))
        {
            StopAt(new Violation(plan.Rip, -before.Length, "", "the way in is not as it must be"));
        }

        StopAt(_verifier.Verify(plan, new ReadOnlySpan<byte>(start, _writer.Length), (ulong)start));
    }

    private static void StopAt(Violation? violation)
    {
        if (violation is not null)
        {
            throw new UnreachableException($"Translated code breaks a rule: {violation}");
        }
    }
}
