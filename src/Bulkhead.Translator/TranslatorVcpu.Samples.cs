using Bulkhead.Host.Memory;
using Bulkhead.Translator.Cache;
using Bulkhead.Translator.State;
using Bulkhead.X86.Engine;

namespace Bulkhead.Translator;

/// <content>What the vCPU does, for the sampling signal, and what that found.</content>
internal sealed unsafe partial class TranslatorVcpu
{
    private readonly PrivateMemory? _sampleMemory;
    private ulong _samplesTaken;

    /// <inheritdoc/>
    public VcpuProfile? Profile { get; }

    private void Now(VcpuActivity activity) => _state->Activity = (byte)activity;

    /// <summary>Takes what the signal found since the last time; while the code it found is still there.</summary>
    private void TakeSamples()
    {
        if (Profile is not { } profile)
        {
            return;
        }

        SampleRing* ring = (SampleRing*)_state->Samples;
        ulong next = Volatile.Read(ref ring->Next);
        for (_samplesTaken = Math.Max(_samplesTaken, next - Math.Min(next, SampleRing.Entries)); _samplesTaken < next; _samplesTaken++)
        {
            ref readonly SampleRing.Entry entry = ref *SampleRing.At(ring, _samplesTaken);
            var activity = (VcpuActivity)entry.Activity;
            if (activity == VcpuActivity.Guest && !_space.IsTranslated(entry.HostRip))
            {
                activity = VcpuActivity.Dispatch; // on its way in or out
            }

            profile.Add(activity);
            if (activity == VcpuActivity.Guest && _space.TryLocate((byte*)entry.HostRip, -1, out Place place))
            {
                profile.AddPlace(place.Relative ? place.Rip + entry.CodeBase : place.Rip);
            }
        }
    }
}
